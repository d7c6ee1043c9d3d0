package main

import (
	"fmt"
	"strings"
)

// dialect is how the upstream answers and how a client knows that an answer is whole.
type dialect struct {
	path         string
	authPrefix   string // the header lines that carry the client's key, up to the key
	json         []byte
	streamHead   []byte // with the events before the first token
	streamEvent  []byte // one token
	streamTail   []byte
	otherEvents  int    // events of a stream that are no tokens
	lastOfStream []byte // what the last event holds
}

const sentence = "The thread leads out of the labyrinth. "

// tokenMark is in each token of a stream, whatever its dialect.
const tokenMark = " thread"

var chat = dialect{
	path:       "/v1/chat/completions",
	authPrefix: "authorization: Bearer ",
	json: reply(`{"id":"chatcmpl-bench000000000000000000","object":"chat.completion","created":1790000000,` +
		`"model":"bench-model","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		strings.Repeat(sentence, 15) +
		`","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":190,` +
		`"completion_tokens":120,"total_tokens":310,"prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0},` +
		`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default"}`),
	streamHead: streamHead(),
	streamEvent: chunk(chatEvent(
		`"choices":[{"index":0,"delta":{"content":" thread"},"logprobs":null,"finish_reason":null}],"usage":null`)),
	streamTail: tail(
		chatEvent(`"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null`),
		chatEvent(`"choices":[],"usage":{"prompt_tokens":190,"completion_tokens":100,"total_tokens":290,`+
			`"prompt_tokens_details":{"cached_tokens":64}}`),
		"data: [DONE]\n\n"),
	otherEvents:  3,
	lastOfStream: []byte("data: [DONE]"),
}

var messages = dialect{
	path:       "/v1/messages",
	authPrefix: "anthropic-version: 2023-06-01\r\nx-api-key: ",
	json: reply(`{"id":"msg_bench0000000000000000000","type":"message","role":"assistant","model":"bench-model",` +
		`"content":[{"type":"text","text":"` + strings.Repeat(sentence, 15) +
		`"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":126,"cache_creation_input_tokens":0,` +
		`"cache_read_input_tokens":64,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},` +
		`"output_tokens":120,"service_tier":"standard"}}`),
	streamHead: streamHead(
		messagesEvent("message_start", `"message":{"id":"msg_bench0000000000000000000","type":"message",`+
			`"role":"assistant","model":"bench-model","content":[],"stop_reason":null,"stop_sequence":null,`+
			`"usage":{"input_tokens":126,"cache_creation_input_tokens":0,"cache_read_input_tokens":64,"output_tokens":1,`+
			`"service_tier":"standard"}}`),
		messagesEvent("content_block_start", `"index":0,"content_block":{"type":"text","text":""}`),
		messagesEvent("ping", "")),
	streamEvent: chunk(messagesEvent("content_block_delta", `"index":0,"delta":{"type":"text_delta","text":" thread"}`)),
	streamTail: tail(
		messagesEvent("content_block_stop", `"index":0`),
		messagesEvent("message_delta", `"delta":{"stop_reason":"end_turn","stop_sequence":null},`+
			`"usage":{"input_tokens":126,"cache_creation_input_tokens":0,"cache_read_input_tokens":64,"output_tokens":100}`),
		messagesEvent("message_stop", "")),
	otherEvents:  6,
	lastOfStream: []byte("message_stop"),
}

func dialectNamed(name string) (*dialect, error) {
	switch name {
	case "chat":
		return &chat, nil
	case "messages":
		return &messages, nil
	}
	return nil, fmt.Errorf("unknown dialect %q", name)
}

func reply(text string) []byte {
	return []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\n"+
		"content-length: %d\r\n\r\n%s", len(text), text))
}

func streamHead(events ...string) []byte {
	head := []byte("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n" +
		"x-request-id: req_bench\r\ntransfer-encoding: chunked\r\n\r\n")
	for _, event := range events {
		head = append(head, chunk(event)...)
	}
	return head
}

func tail(events ...string) []byte {
	var text []byte
	for _, event := range events {
		text = append(text, chunk(event)...)
	}
	return append(text, "0\r\n\r\n"...)
}

func chatEvent(fields string) string {
	return `data: {"id":"chatcmpl-bench000000000000000000","object":"chat.completion.chunk","created":1790000000,` +
		`"model":"bench-model",` + fields + "}\n\n"
}

func messagesEvent(kind, fields string) string {
	if fields != "" {
		fields = "," + fields
	}
	return fmt.Sprintf("event: %s\ndata: {\"type\":%q%s}\n\n", kind, kind, fields)
}

func chunk(text string) []byte {
	return []byte(fmt.Sprintf("%x\r\n%s\r\n", len(text), text))
}
