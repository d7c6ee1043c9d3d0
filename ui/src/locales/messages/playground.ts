export const PLAYGROUND_MESSAGES = {
  Playground: "试验场",
  "Two models": "两个模型",
  "New chat": "新对话",
  "System prompt": "系统提示词",
  Message: "消息",
  "Enter sends, Shift and Enter begins a line. Requests cost money and have rows in the ledger.":
    "按 Enter 发送，Shift+Enter 换行。请求会产生费用并记入账本。",
  Image: "图片",
  "The image to send": "要发送的图片",
  "The image that was sent": "已发送的图片",
  "Take the image away": "移除图片",
  Stop: "停止",
  Dialect: "方言",
  "Choose a model and say something.": "选择一个模型，说点什么。",
  "The exact request": "确切的请求",
  "Replay of a captured request": "重放捕获的请求",
  "Its body is not whole, or is no JSON object, so it cannot be sent again.":
    "其正文不完整，或不是 JSON 对象，因此无法再次发送。",
  "It is sent as the admin, costs money and has a row in the ledger.":
    "它以管理员身份发送，会产生费用并记入账本。",
} as const;
