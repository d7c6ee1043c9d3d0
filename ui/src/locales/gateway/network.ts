/** The ways to upstreams: help of their settings, and what is wrong with them. `{0}` stands for a value, as in faults.ts. */
const FORMS_EN =
  "`http://`, `https://`, `socks5://` or `socks5h://` with user and password, as in `socks5h://user:password@proxy.example:1080`; `direct`; or `environment` for the proxy variables of the environment, which count nowhere else. `socks5` looks names up on this machine, the others leave that to the proxy. `env:NAME` and `file:PATH` work too, because a password is a secret";
const FORMS =
  "`http://`、`https://`、`socks5://` 或 `socks5h://`，可带用户名和密码，如 `socks5h://user:password@proxy.example:1080`；`direct` 表示直连；`environment` 表示使用环境中的代理变量，除此之外这些变量不起作用。`socks5` 在本机解析域名，其他类型由代理解析。也可以写 `env:NAME` 或 `file:PATH`，因为密码是密钥";

export const NETWORK: Readonly<Record<string, string>> = {
  // Help of settings
  "The way of connections: proxies; see [network.md](network.md).":
    "连接的路径：代理；见 [network.md](network.md)。",
  [`The way of all connections that name no other: to upstreams, webhooks, and files that clients name. ${FORMS_EN}. Default: direct.`]: `所有未另行指定的连接的路径：到上游、webhook 以及客户端指定的文件。${FORMS}。默认：直连。`,
  "Hosts that are reached past `network.proxy`: names with all below them, addresses, CIDRs, each with a port or without. An upstream's own proxy has no exceptions.":
    "不经过 `network.proxy` 访问的主机：域名（含其所有子域名）、地址、CIDR，均可带端口。上游自己的代理没有例外。",
  "The proxy itself lets nobody reach private addresses. Only then are files that clients name, and webhooks, fetched by name through a proxy that looks names up: this machine cannot check where the name leads.":
    "代理本身不让任何人访问私有地址。只有这样，客户端指定的文件和 webhook 才会按域名经由负责解析的代理访问：本机无法检查该域名指向哪里。",
  [`The way to this upstream: ${FORMS_EN}. Default: \`network.proxy\`.`]: `到此上游的路径：${FORMS}。默认：\`network.proxy\`。`,
  [`The way of all calls with this credential: ${FORMS_EN}. Default: the upstream's.`]: `使用此凭证的所有调用的路径：${FORMS}。默认：上游的路径。`,
  "PEM file of the authorities that are trusted in place of the public ones, for the upstream and for an `https://` proxy on the way.":
    "PEM 文件，包含用来代替公共机构的受信任证书颁发机构，适用于上游以及途中的 `https://` 代理。",
  "PEM file of the certificate that is shown to the upstream, its chain behind it. Needs `key_file`. Both files are watched.":
    "PEM 文件，包含向上游出示的证书，其后是证书链。需要 `key_file`。两个文件都会被监视。",
  "PEM file of the private key of `cert_file`, without a passphrase.":
    "`cert_file` 的私钥的 PEM 文件，不带口令。",
  "The oldest version of TLS that is spoken with the upstream.": "与上游通信时允许的最低 TLS 版本。",
  "Connections that are kept open to the upstream before a request needs them, by each way that its credentials have. They are renewed once a minute.":
    "在请求需要之前就对上游保持打开的连接数，按其凭证的每条路径计算。每分钟更新一次。",
  // Faults
  "names a file of the gateway's machine": "指向网关所在机器上的文件",
  "would read what goes to an upstream of plain HTTP, keys among it":
    "会读到发往明文 HTTP 上游的内容，其中包括密钥",
  'there is no upstream "{0}" in the configuration in force': "当前配置中没有上游“{0}”",
  "holds no certificate": "不含证书",
  "name a PEM file with the certificates of authorities": "请指定包含颁发机构证书的 PEM 文件",
  "is of no use without {0}": "没有 {0} 就没有用处",
  "add {0}, or remove the line": "请添加 {0}，或删除该行",
  "is no host, address or CIDR": "不是主机、地址或 CIDR",
  'write it as in "internal.example", which means all below it too, "10.0.0.0/8", "host.example:8080" or "*"':
    '请写成如 "internal.example"（也包括其所有子域名）、"10.0.0.0/8"、"host.example:8080" 或 "*"',
};
