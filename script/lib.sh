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
