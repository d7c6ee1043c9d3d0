# What the scripts share; sourced, never run. After `prepare` the working folder is the repository and $BUN its runtime.

die() {
  printf 'clewline: %s\n' "$*" >&2
  exit 1
}

prepare() {
  cd "$(dirname "${BASH_SOURCE[0]}")/.." || die "cannot enter the repository's folder"
  script/setup
  BUN="$PWD/node_modules/.bin/bun"
}

need() { # need COMMAND DEBIAN-PACKAGE: installs the package where the command is missing
  command -v "$1" >/dev/null || install_debian "$2" ||
    die "${0##*/} needs $1: install it (on Debian: apt-get install $2), then run this again"
}

install_debian() ( # install_debian PACKAGE: fails where packages cannot be installed
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  # Two parts of the tests may need packages at the same time, and apt-get does not wait for another apt-get.
  exec 9>/var/lock/clewline-packages
  flock 9
  apt-get update -q >&2
  # Run level 1 keeps the package from starting its own service.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$1" >&2
)
