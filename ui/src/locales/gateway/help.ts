/** The help of the configuration's tables and keys, as `src/config` has it in English. */
export const HELP: Readonly<Record<string, string>> = {
  "Simulated providers within the gateway; see [admin.md](admin.md#the-first-run).":
    "网关内的模拟提供商；参见 [admin.md](admin.md#the-first-run)。",
  "Serve simulated providers on this port of 127.0.0.1, for a trial without an account: all dialects, and every key is good. Upstreams lead there by their `base_url`, as in `http://127.0.0.1:8585`. The admin sets both. Without a port there are none.":
    "在 127.0.0.1 的此端口上提供模拟提供商，供无账户试用：支持所有协议，任何密钥都有效。上游通过 `base_url` 指向它，例如 `http://127.0.0.1:8585`。管理界面会同时设置两者。不设端口则没有。",
  "The listener and its limits.": "监听器及其限制。",
  "Address to listen on. `0.0.0.0` or `::` for all addresses.":
    "监听的地址。`0.0.0.0` 或 `::` 表示所有地址。",
  "Port to listen on. 0: any free port.": "监听的端口。0：任意空闲端口。",
  "Folder of the ledger and the state. Default: `$STATE_DIRECTORY`, else the platform's state folder (`~/.local/state/clewline`).":
    "记录和状态所在的文件夹。默认：`$STATE_DIRECTORY`，否则为平台的状态文件夹（`~/.local/state/clewline`）。",
  "Addresses and CIDRs of proxies whose `X-Forwarded-For` header is trusted.":
    "信任其 `X-Forwarded-For` 头的代理的地址和 CIDR。",
  "Accepted host names, without port. Empty: routes that ask for a key accept every valid `Host` header. Pages without one, `/metrics` and the admin accept addresses, `localhost`, this machine's names, names without a dot, `*.local`, `*.internal`, those listed here, and any name from `trusted_proxies`.":
    "接受的主机名，不含端口。为空：要求密钥的路由接受任何有效的 `Host` 头；无需密钥的页面、`/metrics` 和管理界面接受 IP 地址、`localhost`、本机名称、不含点的名称、`*.local`、`*.internal`、此处列出的名称，以及来自 `trusted_proxies` 的任何名称。",
  "What a client gets for an id of an object at a provider (a stored response, a conversation, a container) whose maker the gateway does not know: `allow` passes the id, `refuse` answers as for one that does not exist. What another key has made is never given. Default: `allow` with one key, else `refuse`. Ids that only a console makes, and of files, cached contents and items, pass unless `refuse` is written. See [routes.md](routes.md).":
    "客户端使用提供方处某个对象（已存储的响应、会话、容器）的 ID，而网关不知道其创建者时如何处理：`allow` 放行该 ID，`refuse` 按不存在的 ID 应答。其他密钥创建的对象绝不会给出。默认：只有一个密钥时为 `allow`，否则为 `refuse`。只能在控制台创建的对象以及文件、缓存内容和条目的 ID 会放行，除非写明 `refuse`。见 [routes.md](routes.md)。",
  "Query parameters that clients may send to this upstream, besides those that the API of the client's dialect documents. All others are left out and named in `x-clewline-dropped`.":
    "除客户端方言的 API 所记载的参数之外，客户端还可以发给此上游的查询参数。其他参数都会被去掉，并在 `x-clewline-dropped` 中列出。",
  "Pass each caller's own credential for the provider on, in place of credentials of the upstream: it then has no `[[upstreams.credentials]]`. Callers send Clewline's key as `x-clewline-key`. See [logins.md](logins.md).":
    "转发每个调用方自己在提供方的凭证，以代替上游的凭证：此时上游没有 `[[upstreams.credentials]]`。调用方用 `x-clewline-key` 发送 Clewline 的密钥。见 [logins.md](logins.md)。",
  "What the key gets for an id of an object at a provider whose maker the gateway does not know: see `server.foreign_state`, which holds by default.":
    "该密钥使用提供方处某个对象的 ID，而网关不知道其创建者时如何处理：见 `server.foreign_state`，默认以其为准。",
  "Path prefix under which a proxy serves Clewline, as in `/llm`.":
    "代理提供 Clewline 时的路径前缀，如 `/llm`。",
  "PEM file of the certificate and its chain. Needs `tls.key_file`. Both files are watched: a renewed certificate serves new connections within a second. To switch TLS on or off needs a start.":
    "证书及其证书链的 PEM 文件。需要 `tls.key_file`。两个文件都受监视：续期的证书在一秒内用于新连接。开启或关闭 TLS 需要重新启动。",
  "PEM file of the private key, without a passphrase. Needs `tls.cert_file`. A key that is not the certificate's is refused, and the pair before stays.":
    "私钥的 PEM 文件，不带口令。需要 `tls.cert_file`。与证书不配的私钥会被拒绝，之前的一对继续使用。",
  "Largest request body, before and after decompression.": "请求正文的最大大小，解压前后都适用。",
  "Longest silence of a client while it sends a body: the time between two pieces, not of the whole request. Up to 9 seconds more, because the clock has steps of 4 s and starts when a body takes longer than a second. Values above 251000 act as 251000.":
    "客户端发送正文时的最长静默：两段之间的时间，而不是整个请求的时间。由于时钟步长为 4 秒，且正文超过一秒才开始计时，最多会多 9 秒。大于 251000 的值按 251000 处理。",
  "How long a client's connection may stay open without a request, or in the middle of a short one. Load balancers keep theirs for 60 s as a rule: a shorter time here closes connections that they are about to use. Up to 8 seconds more, because the clock has steps of 4 s. Values above 251000 act as 251000.":
    "客户端的连接在没有请求时，或在短请求的中途，可以保持打开多久。负载均衡器通常保持 60 秒：这里更短会关掉它们正要使用的连接。由于时钟步长为 4 秒，最多会多 8 秒。大于 251000 的值按 251000 处理。",
  "How long running requests may continue after SIGTERM.": "收到 SIGTERM 后，正在运行的请求可以继续多久。",
  "Other origins whose pages may call Clewline from a browser, with a key: they read neither the admin nor metrics. `*`: every origin.":
    "哪些其他来源的网页可以凭密钥从浏览器调用 Clewline：它们读不到管理页面和指标。`*`：所有来源。",
  "When a client's stream has been silent for this long, it gets a ping. Before the answer the first ping also sends the status 200, so a later error can only be reported inside the stream.":
    "客户端的流静默这么久之后会收到一个 ping。在回答之前，第一个 ping 也会发出状态 200，因此之后的错误只能在流中报告。",
  "A client that waits for a whole (not streamed) answer gets whitespace each time this many seconds pass. 0: never. The first whitespace also sends the status 200, so a later error can only be reported in the body, as the dialect's error object.":
    "等待完整（非流式）回答的客户端每过这么多秒会收到空白字符。0：从不。第一个空白也会发出状态 200，因此之后的错误只能在正文中以该协议的错误对象报告。",
  "Largest reply, or largest frame or content of a streamed reply, that is translated.":
    "要翻译的最大回复，或流式回复中的最大帧或最大内容。",
  "Send clients the headers about the upstream's account: rate limits and organization.":
    "把有关上游账户的头转给客户端：速率限制和组织。",
  "Logs go to standard error, one JSON object per line.": "日志写到标准错误，每行一个 JSON 对象。",
  "The lowest level that is logged.": "记录的最低级别。",
  "Log one line for each request: who asked for which model, who answered, tokens, cost and time. Failures are logged in any case. Without this key: on a terminal yes, elsewhere no.":
    "为每个请求记录一行：谁请求了哪个模型、由谁回答、令牌数、费用和用时。失败总会被记录。不设置此项时：在终端上记录，其他情况不记录。",
  "The admin. Without this table the admin is off, and Clewline does not change the file.":
    "管理界面。没有此表则关闭，Clewline 也不会更改配置文件。",
  "Password of the admin: `env:NAME`, `file:PATH` (relative to this file), or the text itself, or its argon2id hash. At the start a text is replaced by its hash in the file; when there is no password, one is made, printed once and kept as a hash. Another password ends all sessions. Without `[admin]` the admin is off.":
    "管理员密码：`env:NAME`、`file:PATH`（相对于此文件）、文本本身或其 argon2id 哈希。启动时文件中的文本会被替换为其哈希；没有密码时会生成一个，打印一次并保存为哈希。更换密码会结束所有会话。没有 `[admin]` 则管理界面关闭。",
  'Address and port of its own for the admin and its API, as in `"127.0.0.1:8485"`. Without it they are at `/admin` of the main port.':
    '管理界面及其 API 单独的地址和端口，如 `"127.0.0.1:8485"`。没有则位于主端口的 `/admin`。',
  "Let `base_url` of an upstream be set in the admin to an address that is not public, such as this machine or a private network. Such addresses in the file are good without it, and the admin itself cannot change this key.":
    "允许在管理界面中把上游的 `base_url` 设为非公网地址，例如本机或专用网络。文件中的此类地址不需要它，管理界面本身不能更改此项。",
  "Most dollars a day (UTC) that requests of the admin itself may cost: tests of credentials and the playground.":
    "管理界面自身的请求（凭证测试和试验场）每天（UTC）最多花费的美元。",
  "`/metrics` for Prometheus.": "供 Prometheus 使用的 `/metrics`。",
  "Serve `/metrics`.": "提供 `/metrics`。",
  "Separate port for `/metrics` on `server.host`, open to everybody who can reach it. Without it `/metrics` is on the main port, for requests with `metrics.key` as Bearer.":
    "在 `server.host` 上为 `/metrics` 单开的端口，能连到它的人都可以读取。没有则 `/metrics` 在主端口上，请求需以 `metrics.key` 作为 Bearer。",
  "Bearer that may read `/metrics` on the main port: `env:NAME`, `file:PATH` (relative to this file), or the text itself.":
    "可在主端口读取 `/metrics` 的 Bearer：`env:NAME`、`file:PATH`（相对于此文件）或文本本身。",
  "How requests of keys with limits are counted; see [limits.md](limits.md).":
    "如何计算有限额的密钥的请求；见 [limits.md](limits.md)。",
  "Tokens that a request of a limited key reserves for an answer when it names no maximum itself. What an answer used in fact is counted when it ends.":
    "有限额的密钥的请求没有给出上限时，为回答预留的令牌数。回答实际使用的数量在结束时计入。",
  "What a key with a budget gets when the gateway knows no price of a model: `refuse` leaves out the targets without a price; `allow` lets such requests pass, and the budget does not count them.":
    "网关不知道某模型的价格时，有预算的密钥会怎样：`refuse` 排除没有价格的目标；`allow` 放行此类请求，预算不计入它们。",
  "The record of every request.": "每个请求的记录。",
  "While the ledger cannot be written: `refuse` answers requests with 503; `serve` serves them although their record may be lost. A start ends with 1 when its data folder cannot be used; with `serve` it goes on when the disk is full or the database is locked.":
    "记录无法写入期间：`refuse` 以 503 应答请求；`serve` 照常服务，尽管其记录可能丢失。数据文件夹无法使用时启动以 1 结束；用 `serve` 时，若磁盘已满或数据库被锁，启动会继续。",
  "How many rows may wait to be written.": "最多可有多少行等待写入。",
  "Rows that are older are deleted, in small steps. Their sums by hour, key, model and credential stay. 0: rows are kept for ever.":
    "更早的行会分小步删除；按小时、密钥、模型和凭据的汇总会保留。0：永久保留所有行。",
  "While the database takes more, its oldest rows are deleted, but for the last hour and what an open budget needs. 0: no limit.":
    "数据库占用超过此值时，删除最旧的行；最近一小时以及未结束的预算所需的行除外。0：不限制。",
  "With less free space on the disk of the data folder, the log warns and `/readyz` says so. 0: never.":
    "数据文件夹所在磁盘的可用空间低于此值时，日志会发出警告，`/readyz` 也会说明。0：从不。",
  "How requests share the credentials of the upstreams; see [waiting.md](waiting.md) and [prompt-caching.md](prompt-caching.md).":
    "请求如何共用上游的凭证；见 [waiting.md](waiting.md) 和 [prompt-caching.md](prompt-caching.md)。",
  "Longest wait of a request for a credential, in seconds, while all that could serve it are limited. A request that cannot be served in that time gets its 429 at once. 0: requests never wait.":
    "所有可用的凭证都受限时，请求等待凭证的最长时间（秒）。在此时间内无法服务的请求立即得到 429。0：请求从不等待。",
  "The most requests that wait at once. When so many wait, the key with the most of them gives way to a key with fewer; any other request gets its 429 at once.":
    "同时等待的请求的最大数量。达到时，等待最多的密钥让位给较少的密钥；其他请求立即得到 429。",
  "The most memory that the bodies of waiting requests may take. The same rule holds when it is used up.":
    "等待中的请求正文可占用的最大内存。用完时适用同样的规则。",
  "Send a conversation to the credential whose provider holds its earlier turns in the prompt cache. When off, credentials take turns for every request.":
    "把对话发往其提供商在提示缓存中保有较早轮次的凭证。关闭时，每个请求轮流使用凭证。",
  "Longest wait of a request for the credential that holds its prompt in the cache, while that one has no room and another one has. 0: such a request goes to another credential at once. Needs a `max_wait_s` above 0.":
    "当缓存了提示的凭证没有余量而另一个有时，请求等待前者的最长时间。0：这样的请求立即发往另一个凭证。需要 `max_wait_s` 大于 0。",
  "What that wait has to save, in billionths of a dollar, by the price list: the tokens that the cache holds, at the price of input less that of cached input. 10000000 is one cent. A model without a price is never waited for.":
    "这样等待必须节省的金额，以十亿分之一美元计，按价格表计算：缓存中的令牌按输入价减去缓存输入价。10000000 是一美分。没有价格的模型从不等待。",
  "Memory for answers, those on their way to several clients included. An answer of more than an eighth of it is not kept. At least 65536, or 0: the cache is off for all.":
    "回答占用的内存，包括正发往多个客户端的回答。超过其八分之一的回答不保存。至少 65536，或 0：对所有人关闭缓存。",
  "How long an answer is given again from memory, in seconds.": "从内存中再次给出回答的时限（秒）。",
  "Keep answers in the data folder too, in `cache.db`, so that they outlive memory and the process. They are sealed with the secret in `cache.key`. Both files are overwritten and deleted when this is switched off.":
    "把回答也保存在数据文件夹的 `cache.db` 中，使其比内存和进程更长久。它们用 `cache.key` 中的密钥加密。关闭时这两个文件都会被覆写并删除。",
  "Size of the answers in the file. When it is full, those go that were not used for longest.":
    "文件中回答的总大小。满时，最久未用的先删除。",
  "How long an answer is given again from the file, in seconds.": "从文件中再次给出回答的时限（秒）。",
  "Tells a chat, or a program of yours, what needs a person; see [alerts.md](alerts.md).":
    "把需要人处理的事情告知聊天或您自己的程序；见 [alerts.md](alerts.md)。",
  "Address that gets a POST for each event, of https: `env:NAME`, `file:PATH` (relative to this file), or the text itself. A chat's address is a secret: who knows it can write there. Further receivers are `[[alerts.channels]]`; without any there are no alerts.":
    "每个事件都会收到 POST 的 https 地址：`env:NAME`、`file:PATH`（相对于此文件）或文本本身。聊天的地址是机密：知道它的人就能在那里发言。其他接收方写在 `[[alerts.channels]]`；一个都没有则没有告警。",
  "Signs each call as Standard Webhooks do, with the header `webhook-signature`: `env:NAME`, `file:PATH` (relative to this file), or the text itself. It is `whsec_` and the base64 of 24 to 64 random bytes.":
    "按 Standard Webhooks 用 `webhook-signature` 头为每次调用签名：`env:NAME`、`file:PATH`（相对于此文件）或文本本身。它是 `whsec_` 加 24 到 64 个随机字节的 base64。",
  "`event` sends JSON with type, id, timestamp, text and data. `chat` sends the text alone, because some chats refuse other members.":
    "`event` 发送带 type、id、timestamp、text 和 data 的 JSON。`chat` 只发送文本，因为有些聊天拒绝其他成员。",
  "The events to tell.": "要告知的事件。",
  "Let `webhook` lead to an address that is not public, such as this machine or a private network, and be of http.":
    "允许 `webhook` 指向非公网地址，例如本机或专用网络，并使用 http。",
  "`disk.low` is told when the disk of the data folder has less free space, and again only after a quarter more was free. 0: never.":
    "数据文件夹所在磁盘的可用空间小于此值时告知 `disk.low`，之后只有在曾多出四分之一后才会再次告知。0：从不。",
  "Receivers of alerts beside `webhook`: a chat, mailboxes, or another program. One entry for each. What each kind needs is in [alerts.md](alerts.md#channels).":
    "除 `webhook` 之外的告警接收方：聊天、邮箱或其他程序。每个一个条目。各类型需要什么见 [alerts.md](alerts.md#channels)。",
  "Name of the channel. Unique.": "渠道的名称。不可重复。",
  "What the channel is. It decides which of the keys below it needs.": "渠道的类型。它决定需要下面哪些项。",
  "The events to tell this channel. Default: `events` of `[alerts]`.":
    "告知此渠道的事件。默认：`[alerts]` 的 `events`。",
  "Let the channel lead to an address that is not public, such as this machine or a private network, and there be without encryption.":
    "允许渠道指向非公网地址，例如本机或专用网络，并在那里不加密。",
  "Webhook, Slack, Discord: the https address that the chat gave out: `env:NAME`, `file:PATH` (relative to this file), or the text itself. Who knows it can write there. Telegram: a Bot API server of your own; default: Telegram's.":
    "Webhook、Slack、Discord：聊天给出的 https 地址：`env:NAME`、`file:PATH`（相对于此文件）或文本本身。知道它的人就能在那里发言。Telegram：您自己的 Bot API 服务器；默认：Telegram 的。",
  "Webhook only. Signs each call as Standard Webhooks do, with the header `webhook-signature`: `env:NAME`, `file:PATH` (relative to this file), or the text itself. It is `whsec_` and the base64 of 24 to 64 random bytes.":
    "仅用于 Webhook。按 Standard Webhooks 用 `webhook-signature` 头为每次调用签名：`env:NAME`、`file:PATH`（相对于此文件）或文本本身。它是 `whsec_` 加 24 到 64 个随机字节的 base64。",
  "Telegram: the bot's token, as BotFather gave it out: `env:NAME`, `file:PATH` (relative to this file), or the text itself.":
    "Telegram：BotFather 给出的机器人令牌：`env:NAME`、`file:PATH`（相对于此文件）或文本本身。",
  'Telegram: the chat that the bot writes to, as text: `"-1001234567890"` or `"@channelname"`.':
    'Telegram：机器人发言的聊天，写成文本：`"-1001234567890"` 或 `"@channelname"`。',
  "Telegram: the topic in a group that has topics.": "Telegram：有话题的群组中的话题。",
  "E-mail: the SMTP server that takes your mail.": "电子邮件：接收您邮件的 SMTP 服务器。",
  "E-mail: the server's port. Default: 587 with `starttls`, 465 with `tls`, 25 with `none`.":
    "电子邮件：服务器的端口。默认：`starttls` 为 587，`tls` 为 465，`none` 为 25。",
  "E-mail: `starttls` begins in plain text and must become TLS before anything is sent; `tls` is TLS from the start; `none` is for a server on this machine or a private network, with `allow_private`, and without a password.":
    "电子邮件：`starttls` 以明文开始，必须在发送任何内容之前转为 TLS；`tls` 从一开始就是 TLS；`none` 用于本机或专用网络中的服务器，需要 `allow_private`，且不带密码。",
  "E-mail: the user, where the server wants one. Needs `password`.":
    "电子邮件：用户，若服务器需要。需要 `password`。",
  "E-mail: the user's password: `env:NAME`, `file:PATH` (relative to this file), or the text itself.":
    "电子邮件：该用户的密码：`env:NAME`、`file:PATH`（相对于此文件）或文本本身。",
  "E-mail: the address of the sender.": "电子邮件：发件人的地址。",
  "E-mail: the addresses of the receivers.": "电子邮件：收件人的地址。",
  "The providers and servers that Clewline calls. One entry for each.":
    "Clewline 所调用的提供商和服务器。每个一个条目。",
  "Name of the upstream, also used as the prefix of models: `name/model`. Unique.":
    "上游的名称，也用作模型的前缀：`name/model`。不可重复。",
  "The kind of provider. `openai` also covers every OpenAI-compatible server.":
    "提供商的类型。`openai` 也涵盖所有与 OpenAI 兼容的服务器。",
  "Family openai only: what the server is, where the host of `base_url` does not tell, as behind a company's proxy or on a machine of your own. Default: the server known at that host, else a compatible server of which nothing is known. See [servers.md](servers.md).":
    "仅用于 openai 类型：当 `base_url` 的主机名无法说明时（例如在公司代理之后或在自己的机器上），说明它是哪种服务器。默认：该主机上已知的服务器，否则是一台情况未知的兼容服务器。参见 [servers.md](servers.md)。",
  "Family openai only: the dialects that the server speaks. A request in another dialect is translated to the first that carries it: what only Responses has goes to Responses if it is listed. Default: both, Responses first for OpenAI itself; for any other `base_url`, requests are translated to Chat alone. A known server without Responses has Chat alone (servers.md).":
    "仅用于 openai 类型：服务器使用的协议。其他协议的请求会翻译成第一个能承载它的协议：只有 Responses 才有的内容，在列出时发往 Responses。默认：两者，对 OpenAI 本身 Responses 优先；对任何其他 `base_url`，请求只翻译成 Chat。已知没有 Responses 的服务器只使用 Chat（见 servers.md）。",
  "Ask for usage on Chat streams when the client does not, and remove it from the reply again. A server that refuses the question is asked without it. When off, the usage of such streams is unknown.":
    "客户端没有要求时，在 Chat 流中要求用量，并从回复中去掉。拒绝此要求的服务器之后不再被要求。关闭时，此类流的用量未知。",
  "Longest time to open a connection.": "打开连接的最长时间。",
  "Longest wait for the first byte of a reply.": "等待回复第一个字节的最长时间。",
  "Longest silence within a reply. After it the reply counts as cut.": "回复中的最长静默。超过后视为被切断。",
  "The keys for the upstream above the entry. One entry for each key.":
    "该条目上方的上游的密钥。每个密钥一个条目。",
  "Name of the credential in lists, logs and the ledger. Unique within its upstream.":
    "凭证在列表、日志和记录中的名称。在其上游内不可重复。",
  "Credentials with the lowest number are used first. Credentials with the same number take turns.":
    "数字最小的凭证先用。数字相同的轮流使用。",
  "Its part of the requests among credentials with the same priority: 2 gets twice as many as 1. What caches hold of a prompt, and the room in limits, come first.":
    "在优先级相同的凭证中承担的请求份额：2 得到的是 1 的两倍。提示缓存和限额的余量优先考虑。",
  "What a rate limit blocks: the whole credential, or only the model of the request. A limit that the provider says is one model's blocks that model alone. Default: `model`, because Anthropic, Google and OpenAI count by model; `credential` for family openai with a `base_url` other than api.openai.com.":
    "速率限制阻止什么：整个凭证，还是只阻止请求的模型。提供商说明只属于某个模型的限制只阻止该模型。默认：`model`，因为 Anthropic、Google 和 OpenAI 按模型计数；`base_url` 不是 api.openai.com 的 openai 类型为 `credential`。",
  "The models that the credential may serve: the upstream's names. A `*` stands for any text. Default: all.":
    "凭证可以服务的模型：上游的名称。`*` 代表任意文本。默认：全部。",
  'The hours of the day in which the credential may be used, as in `"08:00-18:30"`; `"22:00-06:00"` runs over midnight. A running request is not cut. Default: all.':
    '一天中可以使用凭证的时段，如 `"08:00-18:30"`；`"22:00-06:00"` 跨越午夜。正在运行的请求不会被切断。默认：全部。',
  "Zone of `active_hours` and of the days and months of the budgets, by its IANA name.":
    "`active_hours` 以及预算的日和月所用的时区，使用 IANA 名称。",
  "Most requests at the same time, streams to their end.": "同时进行的请求的最大数量，流计到结束。",
  "Most requests in any 60 seconds.": "任意 60 秒内的最大请求数。",
  "Most tokens of prompts and answers in any 60 seconds. The longest answer counts until the real one is known.":
    "任意 60 秒内提示和回答的最大令牌数。在知道实际值之前按最长的回答计。",
  "Most dollars a day, as text with at most nine decimals. What a request may cost at most is held until its cost is known. A model without a price: see `limits.unpriced`.":
    "每天最多的美元，写成文本，最多九位小数。请求可能的最高费用会被保留，直到知道实际费用。没有价格的模型：见 `limits.unpriced`。",
  "Most dollars a calendar month.": "每个自然月最多的美元。",
  "The keys of clients. One entry for each client; `name` and `key` are enough. Keys may also be made with `clewline keys`, with the same settings: see [keys.md](keys.md).":
    "客户端的密钥。每个客户端一个条目；有 `name` 和 `key` 就够了。也可用 `clewline keys` 以同样的设置创建：见 [keys.md](keys.md)。",
  "Owner of the key, shown in logs and the ledger. Unique.": "密钥的持有者，显示在日志和记录中。不可重复。",
  "The key that the client sends: `env:NAME`, `file:PATH` (relative to this file), or the text itself. Only its hash is kept in memory. Either this or `key_hash` is required.":
    "客户端发送的密钥：`env:NAME`、`file:PATH`（相对于此文件）或文本本身。内存中只保留其哈希。需要它或 `key_hash` 之一。",
  "`sha256:` and the SHA-256 of the key in hexadecimal, in place of `key`.":
    "`sha256:` 加密钥的十六进制 SHA-256，用来代替 `key`。",
  "Name of the `[[teams]]` entry whose budget the key shares.": "与密钥共用预算的 `[[teams]]` 条目的名称。",
  'When the key ends: a day, as in `"2027-01-31"` (until its end, UTC), or a time, as in `"2027-01-31T12:00:00Z"`. Default: never.':
    '密钥何时结束：日期，如 `"2027-01-31"`（到当天结束，UTC），或时间，如 `"2027-01-31T12:00:00Z"`。默认：从不。',
  "The models that the key may use: names as clients ask for them, or `upstream/model`. A `*` stands for any text. Default: all.":
    "密钥可以使用的模型：客户端所请求的名称，或 `upstream/model`。`*` 代表任意文本。默认：全部。",
  "Names of the upstreams that the key may use. Default: all.": "密钥可以使用的上游的名称。默认：全部。",
  "Addresses and CIDRs from which the key may be used. Behind a proxy, see `server.trusted_proxies`. Default: all.":
    "可以使用密钥的地址和 CIDR。在代理之后，见 `server.trusted_proxies`。默认：全部。",
  "The client may ask with `x-clewline-report: 1` for headers that tell cost, credential, upstream and attempts.":
    "客户端可以用 `x-clewline-report: 1` 要求给出费用、凭证、上游和尝试次数的头。",
  "Refuse a request with 400 when translation would leave out a part of it. When off, the header `x-clewline-dropped` names the parts that were left out.":
    "翻译会丢掉请求的一部分时，以 400 拒绝。关闭时，`x-clewline-dropped` 头列出丢掉的部分。",
  "Give answers again to requests that are the same: `repeatable` for requests with `temperature` 0 or a `seed`, `all` for others too, `off` never, whatever the model's entry or the client says. Default: as the `[[models]]` entry says, else off.":
    "对相同的请求再次给出回答：`repeatable` 用于 `temperature` 为 0 或带 `seed` 的请求，`all` 也用于其他请求，`off` 从不，无论模型条目或客户端怎么说。默认：按 `[[models]]` 条目，否则关闭。",
  "The client may ask for the cache itself, with the header `x-clewline-cache: on` or `refresh`. With `off` every client may keep its request out of the cache.":
    "客户端可以用 `x-clewline-cache: on` 或 `refresh` 头自行要求缓存。每个客户端都可以用 `off` 让自己的请求不进缓存。",
  "Which keys give their answers to each other: the key is alone (`key`), the keys of its team that say `team` too, or all keys that say `gateway`. Who shares answers can find out what others have asked, by the time that an answer takes.":
    "哪些密钥互相共用回答：密钥单独（`key`），其团队中同样写 `team` 的密钥，或所有写 `gateway` 的密钥。共用回答的人可以从回答所需的时间推断别人问过什么。",
  "Most tokens of prompts and answers in any 60 seconds.":
    "任意 60 秒内提示和回答的最大令牌数。在知道实际值之前按最长的回答计。",
  "Most requests at the same time.": "同时进行的请求的最大数量。",
  "Most dollars a day, as text with at most nine decimals.": "每天最多的美元，写成文本，最多九位小数。",
  "Most dollars a week. Weeks begin on Monday.": "每周最多的美元。每周从星期一开始。",
  "Zone of the days, weeks and months of budgets, by its IANA name.":
    "预算的日、周、月所用的时区，使用 IANA 名称。",
  "Limits for some models of the key above the entry, beside those of the key as a whole. One entry for each model or pattern.":
    "上方密钥对某些模型的限额，与密钥整体的限额并存。每个模型或模式一个条目。",
  "The models whose requests count together: a name or a pattern. It holds by every name of a model: the client's, `upstream/model` of each target, and what follows a slash in them. Unique within its key.":
    "请求合并计数的模型：名称或模式。它适用于模型的每个名称：客户端的、每个目标的 `upstream/model`，以及其中斜杠之后的部分。在其密钥内不可重复。",
  "Teams, each with a budget that its keys share. One entry for each team.":
    "团队，每个团队的预算由其密钥共用。每个团队一个条目。",
  "Name of the team, for `team` of its keys. Unique.": "团队的名称，用于其密钥的 `team`。不可重复。",
  "Names of your own for models. A model without an entry goes to the upstream of its prefix (`anthropic/claude-…`), else by its well-known name (`gpt-…`, `claude-…`, `gemini-…`) to the upstreams at its own provider (by their host, or by `server`), else to the one that has the family's name (`openai`, `anthropic`, `gemini`), else to the gateway's own simulator, else to the only upstream there is. A compatible server, a reseller or a company's proxy beside other upstreams gets such a model by its prefix or by an entry alone, such as `name = \"gpt-*\"` with `targets = [\"proxy/gpt-*\"]`, and to fall back to another provider takes an entry. A model's name that ends in `-thinking`, `-thinking-8k` (a budget in tokens, `k`: 1,024) or `-search` asks for thinking or for web search, for clients that cannot ask in another way; models of compatible servers, other than OpenAI's, keep such names whole. Below its entry, `[models.defaults]` has parameters for clients that give none, and `[models.fixed]` has parameters that replace the client's.":
    '您自己的模型名称。没有条目的模型发往其前缀所指的上游（`anthropic/claude-…`），否则按其知名名称（`gpt-…`、`claude-…`、`gemini-…`）发往位于该提供商处的上游（按其主机或 `server` 判断），否则发往以该类型命名的上游（`openai`、`anthropic`、`gemini`），否则发往网关自己的模拟器，否则发往唯一的上游。与其他上游并存的兼容服务器、转售商或公司代理，只有通过前缀或条目（例如 `name = "gpt-*"` 与 `targets = ["proxy/gpt-*"]`）才会收到这样的模型；要回退到其他提供商，也需要写一个条目。以 `-thinking`、`-thinking-8k`（以令牌计的预算，`k` 为 1,024）或 `-search` 结尾的名称会请求思考或网络搜索，供无法用其他方式请求的客户端使用；OpenAI 以外的兼容服务器的模型保留完整名称。条目之下，`[models.defaults]` 是客户端未给出时的参数，`[models.fixed]` 是替换客户端所给的参数。',
  "The name that clients ask for; it may end in `*`. The exact name wins, then the longest match.":
    "客户端请求的名称；可以以 `*` 结尾。完全相同的名称优先，其次是最长的匹配。",
  "`upstream/model`, in order: all but the first are fallbacks. A `*` is replaced by the part that matched the `*` of the name.":
    "`upstream/model`，按顺序：除第一个外都是备用。`*` 替换为与名称的 `*` 相匹配的部分。",
  "Which target is tried first; the others follow as fallbacks. `given`: the first of the list. `weighted`: in turn, each as often as its weight says. `least-busy`: the one with the fewest running requests for its weight. `fastest`: the one that began its last answers soonest. `cheapest`: the one where this request can cost least; targets without a price are last. See [targets.md](targets.md).":
    "先试哪个目标；其余依次备用。`given`：列表中的第一个。`weighted`：轮流，次数按权重。`least-busy`：按权重计算运行中请求最少的。`fastest`：最近最快开始回答的。`cheapest`：此请求可能最便宜的；没有价格的目标排在最后。见 [targets.md](targets.md)。",
  'One number from 1 to 1,000 for each of `targets`, in their order. Only with `order = "weighted"` or `"least-busy"`. Default: 1 each.':
    '为每个 `targets` 给出 1 到 1,000 的一个数，顺序相同。仅用于 `order = "weighted"` 或 `"least-busy"`。默认：各为 1。',
  "`upstream/model`, in order: asked once in place of the targets when the prompt is too long for them. See [targets.md](targets.md).":
    "`upstream/model`，按顺序：提示对目标来说过长时，改问它们一次。见 [targets.md](targets.md)。",
  "`upstream/model`, in order: asked once in place of the targets when one of them refuses to answer for the content, and has said nothing yet. See [targets.md](targets.md).":
    "`upstream/model`，按顺序：某个目标因内容拒绝回答且尚未说任何话时，改问它们一次。见 [targets.md](targets.md)。",
  "Give answers again to requests that are the same, for every key that does not say `off`: `repeatable` for requests with `temperature` 0 or a `seed`, `all` for others too, `off` never, whatever the key or the client says. Default: as the key says.":
    "对相同的请求再次给出回答，适用于没有写 `off` 的每个密钥：`repeatable` 用于 `temperature` 为 0 或带 `seed` 的请求，`all` 也用于其他请求，`off` 从不，无论密钥或客户端怎么说。默认：按密钥所说。",
  "Text placed before the client's instructions.": "放在客户端指令之前的文本。",
  "Text placed after the client's instructions.": "放在客户端指令之后的文本。",
  "Sampling temperature.": "采样温度。",
  "Nucleus sampling.": "核采样。",
  "Sampling from the best k tokens.": "从最好的 k 个令牌中采样。",
  "Most tokens of an answer, thinking included.": "回答的最大令牌数，包括思考。",
  "How much the model thinks. Not together with `thinking_budget_tokens`.":
    "模型思考的程度。不能与 `thinking_budget_tokens` 同用。",
  "How many tokens the model may think. 0: no thinking. Not together with `effort`.":
    "模型可以思考的令牌数。0：不思考。不能与 `effort` 同用。",
  "Texts that end the answer.": "结束回答的文本。",
  "Seed for repeatable answers.": "用于可重复回答的种子。",
  "Images and documents that clients name by URL.": "客户端以 URL 指定的图片和文档。",
  "Fetch an image or document that a client names by URL when the target cannot fetch it. Only public addresses are fetched. When off, such a request is refused.":
    "当目标无法获取客户端以 URL 指定的图片或文档时，由网关获取。只获取公网地址。关闭时，此类请求被拒绝。",
  "Largest image or document that is fetched.": "可获取的最大图片或文档。",
  "Longest time to fetch one image or document.": "获取一张图片或一份文档的最长时间。",
  "Translation from one dialect to another.": "在不同协议之间翻译。",
  "Size of the memory for sealed reasoning, by tool call id: clients of Chat Completions and Gemini do not send it back. 0: no memory.":
    "按工具调用 ID 保存加密推理内容的内存大小：Chat Completions 和 Gemini 的客户端不会把它发回。0：不保存。",
  "Abilities of models, where Clewline's table and the provider's own list are wrong or incomplete. One entry for each model; all keys but `match` are optional.":
    "模型的能力，用于 Clewline 的表和提供商自己的列表有误或不全之处。每个模型一个条目；除 `match` 外都可省略。",
  "The upstream's name for the model; it may end in `*`. The exact name wins, then the longest match; a shorter match supplies the traits that a longer one leaves open.":
    "上游对该模型的名称；可以以 `*` 结尾。完全相同的名称优先，其次是最长的匹配；较短的匹配补充较长者没有写的能力。",
  "Most tokens of prompt and answer together.": "提示和回答合计的最大令牌数。",
  "Most tokens of an answer.": "回答的最大令牌数。",
  "How thinking is requested: not at all, by a number of tokens, or by a word.":
    "如何请求思考：不支持、用令牌数、或用一个词。",
  'Words that the model accepts, for `thinking = "effort"`. Without `none` the model always thinks.':
    '模型接受的词，用于 `thinking = "effort"`。没有 `none` 则模型总是思考。',
  'Smallest number of tokens that the model accepts, for `thinking = "budget"`.':
    '模型接受的最小令牌数，用于 `thinking = "budget"`。',
  'Largest number of tokens that the model accepts, for `thinking = "budget"`.':
    '模型接受的最大令牌数，用于 `thinking = "budget"`。',
  "The model can be told not to think.": "可以让模型不思考。",
  "The model thinks when the request does not mention thinking.": "请求没有提到思考时，模型也会思考。",
  "Which of temperature, top_p and top_k the model accepts. `one`: temperature or top_p, not both.":
    "模型接受 temperature、top_p 和 top_k 中的哪些。`one`：temperature 或 top_p，不能同时。",
  "The model accepts images.": "模型接受图片。",
  "The model accepts PDF documents.": "模型接受 PDF 文档。",
  "The model accepts audio.": "模型接受音频。",
  "The model accepts video.": "模型接受视频。",
  "The model accepts a JSON Schema for its answer.": "模型接受用于回答的 JSON Schema。",
  "Instructions may stand between the turns.": "指令可以位于轮次之间。",
  "The last message may be the beginning of the answer.": "最后一条消息可以是回答的开头。",
  "The model accepts stop sequences.": "模型接受停止序列。",
  "Tool calls must be sent back with their signature (Gemini 3 and later).":
    "工具调用必须连同签名一起发回（Gemini 3 及以后）。",
  "Results of tools may contain images.": "工具的结果可以包含图片。",
  "The model accepts tools only on Responses (GPT-5.4 and later).":
    "模型只在 Responses 上接受工具（GPT-5.4 及以后）。",
  "The model gives its reasoning, and takes it back, on Responses only (OpenAI's models that think).":
    "模型只在 Responses 上给出并收回其推理（OpenAI 的思考模型）。",
  "On Chat the model refuses `max_tokens` and takes `max_completion_tokens` (OpenAI's models that think).":
    "在 Chat 上，模型拒绝 `max_tokens`，接受 `max_completion_tokens`（OpenAI 的思考模型）。",
  "The model can be told how much to say.": "可以告诉模型说多少。",
  "On Chat, schemas of tools need `properties`, and strict ones must be closed (OpenAI's models).":
    "在 Chat 上，工具的 schema 需要 `properties`，严格的必须是封闭的（OpenAI 的模型）。",
  "The model accepts only letters, digits, `_`, `.` and `-` in the keys of a tool's arguments (Claude).":
    "模型在工具参数的键中只接受字母、数字、`_`、`.` 和 `-`（Claude）。",
  "The model accepts cache marks on parts of the prompt.": "模型接受对提示各部分的缓存标记。",
  "The model can be told that it must call a tool.": "可以要求模型必须调用工具。",
  "The model can search the web.": "模型可以搜索网络。",
  "Prices of your own: of a contract, of models that no list has, of your own servers. They go before the list; `clewline prices show` prints what holds. `model` and one rate are enough. An entry with `tier`, `above_tokens`, `hours` or `region` is a part of the price of the same upstream, model and day, and says only what differs. All rates are in dollars, with at most nine decimals. See [prices.md](prices.md).":
    "您自己的价格：合同价、任何列表都没有的模型、您自己的服务器。它们优先于价格表；`clewline prices show` 打印当前有效的价格。有 `model` 和一个价格就够了。带 `tier`、`above_tokens`、`hours` 或 `region` 的条目是同一上游、模型和日期的价格的一部分，只写不同之处。所有价格以美元计，最多九位小数。见 [prices.md](prices.md)。",
  "The upstream whose price this is. Without it: every upstream. A price with it goes before one without.":
    "此价格所属的上游。没有则适用于所有上游。有上游的价格优先于没有的。",
  "The upstream's name for the model; each `*` is any text. A name without `*` goes before one with it, then the longest.":
    "上游对该模型的名称；每个 `*` 代表任意文本。没有 `*` 的名称优先于有的，其次是最长的。",
  "The day from which the price holds. Without it: always. A price for a model has one entry for each day on which it changes.":
    "价格从哪天起有效。没有则一直有效。一个模型的价格每变一次有一个条目。",
  "The entry is for this tier only. What it does not say is as in the entry of the same upstream, model and day that has no condition. The same holds for `above_tokens` and `hours`.":
    "条目仅用于此等级。没有写的与同一上游、模型和日期中没有条件的条目相同。`above_tokens` 和 `hours` 也是如此。",
  "The entry is for requests with more tokens of input than this, for all of their tokens.":
    "条目用于输入令牌多于此数的请求，适用于其全部令牌。",
  'The entry is for these hours of each day only, in UTC: `"16:30-00:30"`.':
    '条目仅用于每天的这些时段，UTC：`"16:30-00:30"`。',
  "The entry has a `factor` for requests that are served in this region, and no rates: the label before the provider's host (`eu.api.openai.com`), or what the reply says (`inference_geo`).":
    "条目对在此区域服务的请求有一个 `factor`，没有价格：提供商主机名前的标签（`eu.api.openai.com`），或回复所说的（`inference_geo`）。",
  "What all rates of tokens are multiplied by in `region`, as in 1.1.":
    "在 `region` 中所有令牌价格所乘的数，如 1.1。",
  "All other tokens of input. This rate and the next eleven are for a million tokens.":
    "其他所有输入令牌。此价格和之后的十一个都按每百万令牌计。",
  "All other tokens of output.": "其他所有输出令牌。",
  "Input read from a cache. Without it: as `input`.": "从缓存读取的输入。没有则按 `input`。",
  "Input written to a cache. Without it: as `input`.": "写入缓存的输入。没有则按 `input`。",
  "Input written to a cache for one hour. Without it: as `cache_write`.":
    "写入缓存一小时的输入。没有则按 `cache_write`。",
  "Output that is reasoning. Without it: as `output`.": "推理的输出。没有则按 `output`。",
  "Input that is audio. Without it: as `input`.": "音频输入。没有则按 `input`。",
  "Audio read from a cache. Without it: as `cache_read`.": "从缓存读取的音频。没有则按 `cache_read`。",
  "Output that is audio. Without it: as `output`.": "音频输出。没有则按 `output`。",
  "Input that is an image. Without it: as `input`.": "图片输入。没有则按 `input`。",
  "Images read from a cache. Without it: as `cache_read`.": "从缓存读取的图片。没有则按 `cache_read`。",
  "Output that is an image. Without it: as `output`.": "图片输出。没有则按 `output`。",
  "A thousand searches of the web.": "每千次网络搜索。",
  "A thousand requests that search, in place of `web_search`.": "每千个会搜索的请求，代替 `web_search`。",
  "A thousand requests, beside their tokens.": "每千个请求，在其令牌之外。",
  "Keeps requests with heads and bodies, for keys that have it switched on; see [capture.md](capture.md).":
    "为开启了此功能的密钥保存请求的头和正文；见 [capture.md](capture.md)。",
  "Keep heads and bodies of the requests of keys with `capture = true`, for the admin to show: prompts and answers are then on the disk, in `capture.db` in the data folder, sealed with the secret in `capture.key`. Credentials are masked. When it is switched off, what is kept stays for `max_age_s`, or until somebody deletes it.":
    "保存带 `capture = true` 的密钥的请求的头和正文，供管理界面显示：提示和回答会存入磁盘，位于数据文件夹的 `capture.db`，用 `capture.key` 中的密钥加密。凭证会被遮盖。关闭后，已保存的内容保留 `max_age_s`，或直到有人删除。",
  "Size of all captured requests. When it is full, the oldest go.":
    "所有已捕获请求的总大小。满时，最旧的先删除。",
  "How long a captured request is kept, in seconds.": "已捕获的请求保留多久（秒）。",
  "Most that is kept of one body. Of a longer one the beginning is kept, with a mark.":
    "一个正文最多保存多少。更长的只保存开头，并加标记。",
  "Memory for bodies until they are written. While it is full, requests are served, and not captured or not in full.":
    "正文在写入之前占用的内存。满时照常服务请求，但不捕获或不完整捕获。",
  "Names of headers that are masked beside those that hold a credential, such as `x-forwarded-for`.":
    "除含有凭证的头之外，还要遮盖的头的名称，如 `x-forwarded-for`。",
  "Keep heads and bodies of the key's requests, while `capture.enabled` is true: prompts and answers are then on the disk.":
    "在 `capture.enabled` 为 true 时，保存此密钥的请求的头和正文：提示和回答会存入磁盘。",
  "Largest request body that is translated. A larger one is served by upstreams of the client's own dialect alone: to translate it would keep all other requests waiting.":
    "要翻译的最大请求正文。更大的只由使用客户端自身协议的上游服务：翻译它会让所有其他请求等待。",
  "The base URL as the family's official SDK takes it (for openai it ends in /v1). Default: the provider's own; for family vertex, that of each credential's region. For family openai, its host alone tells OpenAI itself (api.openai.com and its regional hosts) from a compatible server. A server on this machine or in a private network needs no `[[upstreams.credentials]]`.":
    "基础地址，写法与该类型的官方 SDK 相同（openai 以 /v1 结尾）。默认：提供商自己的地址；vertex 类型则为各凭据所在区域的地址。对于 openai 类型，仅凭主机名区分 OpenAI 本身（api.openai.com 及其区域主机）与兼容的服务器。本机或私有网络中的服务器不需要 `[[upstreams.credentials]]`。",
  "The provider's key: `env:NAME`, `file:PATH` (relative to this file), or the text itself. Family vertex: the JSON key of a service account, `application-default` (the credentials of this machine, as Google's clients find them), `metadata-server`, or an API key; other credentials of Google's, such as those of workload identity, only by `file:PATH`.":
    "提供商的密钥：`env:NAME`、`file:PATH`（相对于本文件）或密钥文本本身。vertex 类型：服务账号的 JSON 密钥、`application-default`（本机的凭据，查找方式与 Google 客户端相同）、`metadata-server` 或 API 密钥；Google 的其他凭据（如工作负载身份）只能用 `file:PATH`。",
  "Let credentials of Google's workload identity run the program that their file names. The program gets no variable of Clewline's but `PATH` and `HOME`.":
    "允许 Google 工作负载身份的凭据运行其文件所指定的程序。除 `PATH` 和 `HOME` 外，该程序得不到 Clewline 的任何变量。",
  "Family vertex only: the Google Cloud project that requests are for and are billed to. Default: the one of the service account's key; an API key needs none.":
    "仅限 vertex 类型：请求所属并计费的 Google Cloud 项目。默认：服务账号密钥中的项目；API 密钥不需要项目。",
  'Family vertex only: the region that serves requests, as in `"us-east5"`; `"us"` and `"eu"` are multi-regions. Each project and region has quotas of its own, so each is a credential. Default: `"global"`.':
    '仅限 vertex 类型：处理请求的区域，如 `"us-east5"`；`"us"` 和 `"eu"` 是多区域。每个项目和区域都有自己的配额，因此各为一个凭据。默认：`"global"`。',
  "The most that all requests together hold in memory: bodies with the copy that goes to the upstream, translated requests, replies that are read whole, and what streams keep or slow clients do not read. One key may use all of it while no other key has a request, else half. Above it a request of more than 64 kB gets 503 with `retry-after`. At least twice `server.body_limit_bytes`.":
    "所有请求合计在内存中最多占用的字节数：正文及发往上游的副本、翻译后的请求、整体读取的回复，以及流保留的内容和慢速客户端未读取的内容。没有其他密钥的请求时，一个密钥可以用满，否则最多用一半。超出时，大于 64 kB 的请求会收到 503 和 `retry-after`。至少为 `server.body_limit_bytes` 的两倍。",
  "A client that reads nothing of its stream for so long is let go: the request ends as that of a client that has left.":
    "客户端这么久没有读取其流中的任何内容时，就断开它：请求按客户端已离开的情形结束。",
  "A header of each request to this upstream. It replaces one that the client sends.":
    "发往此上游的每个请求都带的标头。它会替换客户端发送的同名标头。",
  'Headers of each request to the upstream above the entry, such as a company\'s proxy wants them: `headers = [{ name = "x-team", value = "env:TEAM" }]`. Also requests of the gateway\'s own have them. Not beside `caller_credentials`.':
    '发往条目上方之上游的每个请求的标头，例如公司代理要求的标头：`headers = [{ name = "x-team", value = "env:TEAM" }]`。网关自己的请求也带有它们。不能与 `caller_credentials` 并用。',
  "Its value: `env:NAME`, `file:PATH` (relative to this file), or the text itself. It is not shown.":
    "其值：`env:NAME`、`file:PATH`（相对于此文件）或文本本身。不会显示。",
  "A query parameter of each request to this upstream. It replaces one that the client sends.":
    "发往此上游的每个请求都带的查询参数。它会替换客户端发送的同名参数。",
  'Query parameters of each request to the upstream above the entry: `query = [{ name = "api-version", value = "2026-01-01" }]`.':
    '发往条目上方之上游的每个请求的查询参数：`query = [{ name = "api-version", value = "2026-01-01" }]`。',
  "A member of each JSON body for this upstream. It replaces one that the client sends.":
    "发往此上游的每个 JSON 正文都带的成员。它会替换客户端发送的同名成员。",
  'Members of each JSON body for the upstream above the entry: `body = [{ name = "metadata", json = \'{"team": "search"}\' }]`.':
    '发往条目上方之上游的每个 JSON 正文的成员：`body = [{ name = "metadata", json = \'{"team": "search"}\' }]`。',
  'Its value as JSON text, as in `\'{"team": "search"}\'` or `\'"gold"\'`. It is no secret.':
    '其值，写成 JSON 文本，例如 `\'{"team": "search"}\'` 或 `\'"gold"\'`。它不是机密。',
};
