export const FIRST_RUN_MESSAGES = {
  "First steps": "开始使用",
  Skip: "跳过",
  "Open the overview": "打开概览",
  "Three steps to the first answer. All of them can be done elsewhere and later as well.":
    "三步获得第一个回答。每一步以后都可以在别处完成。",
  "Choose where answers come from": "选择回答的来源",
  "Keys of a provider": "提供商的密钥",
  "Without an account": "无需账户",
  "Add more": "继续添加",
  "Create the key": "创建此密钥",
  "There is a key already: {name}. Your client shows it to Clewline.":
    "已经有一个密钥：{name}。您的客户端用它访问 Clewline。",
  "The first start has printed it, and it stands in the configuration file.":
    "首次启动时已打印此密钥，它也在配置文件中。",
  "Make another key": "再创建一个密钥",
  "Say hello in one sentence.": "用一句话打个招呼。",
  "The first step comes before this one.": "请先完成第一步。",
} as const;
