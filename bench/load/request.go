package main

import (
	"fmt"
	"strings"
)

const prose = "Ariadne gave him a ball of thread, and \\\"he\\\" tied its end at the door.\\nSo he found the way back. "

// historyTurns is how many messages a history has.
const historyTurns = 2000

// newTask builds the request of a kind of work.
func newTask(wanted plan) (task, error) {
	script, size, isStream := "json", 1<<10, false
	switch wanted.kind {
	case "json":
	case "body", "history":
		size = wanted.bodySize
	case "burst":
		script, isStream = fmt.Sprintf("burst %d", wanted.events), true
	case "ticks":
		script, isStream = fmt.Sprintf("ticks %d %d", wanted.intervalMs, wanted.events), true
	default:
		return task{}, fmt.Errorf("unknown kind %q", wanted.kind)
	}
	spoken, err := dialectNamed(wanted.dialect)
	if err != nil {
		return task{}, err
	}
	made := task{leastBytes: 500}
	if isStream {
		made = task{events: wanted.events + spoken.otherEvents, eventMark: []byte("\n\n"), lastOfStream: spoken.lastOfStream}
	}
	// Without a model, it is the relay that is measured: the script is then a field that passes untouched.
	opening, question := fmt.Sprintf(`{"model":"bench-model","user":%q`, script), "Which way is out?"
	if wanted.model != "" {
		opening, question = fmt.Sprintf(`{"model":%q`, wanted.model), fmt.Sprintf("Which way is out? [bench %s]", script)
		if isStream {
			made.events, made.eventMark = wanted.events, []byte(tokenMark)
		}
	}
	made.request = post(wanted.address, spoken, payload(spoken, wanted.kind == "history", isStream, opening, question, size))
	return made, nil
}

// healthTask asks whether the target lives.
func healthTask(address string) task {
	return task{request: []byte(fmt.Sprintf("GET /healthz HTTP/1.1\r\nhost: %s\r\n\r\n", address))}
}

func post(address string, spoken *dialect, body string) []byte {
	return []byte(fmt.Sprintf("POST %s HTTP/1.1\r\nhost: %s\r\n%s%s\r\n"+
		"content-type: application/json\r\naccept: application/json\r\nuser-agent: clewline-bench\r\n"+
		"content-length: %d\r\n\r\n%s", spoken.path, address, spoken.authPrefix, clientKey, len(body), body))
}

func payload(spoken *dialect, isHistory, isStream bool, opening, question string, size int) string {
	const instruction = "You are a helpful assistant."
	var text strings.Builder
	text.Grow(size + 4096)
	text.WriteString(opening)
	if spoken == &messages {
		text.WriteString(`,"max_tokens":1024`)
	}
	if isStream {
		text.WriteString(`,"stream":true`)
		if spoken == &chat {
			text.WriteString(`,"stream_options":{"include_usage":true}`)
		}
	}
	text.WriteString(`,"temperature":0.7,`)
	if isHistory {
		text.WriteString(tools(spoken))
	}
	if spoken == &messages {
		fmt.Fprintf(&text, `"system":%q,"messages":[`, instruction)
	} else {
		fmt.Fprintf(&text, `"messages":[{"role":"system","content":%q},`, instruction)
	}
	if isHistory {
		writeHistory(&text, spoken, size)
	} else {
		writeTurns(&text, spoken, size)
	}
	fmt.Fprintf(&text, `{"role":"user","content":%q}]}`, question)
	return text.String()
}

// writeTurns fills a chat up to about sizeBytes. A large one is half a picture in base64 and half short turns, so
// that neither a long string nor many small values alone decides what it costs.
func writeTurns(text *strings.Builder, spoken *dialect, sizeBytes int) {
	if sizeBytes > 64<<10 {
		picture := strings.Repeat("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ", sizeBytes/2/44)
		if spoken == &messages {
			fmt.Fprintf(text, `{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"%s"}}]},`, picture)
		} else {
			fmt.Fprintf(text, `{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,%s"}}]},`, picture)
		}
	}
	for turn := 0; text.Len() < sizeBytes-400; turn++ {
		role := "user"
		if turn%2 == 1 {
			role = "assistant"
		}
		repeats := atMost(8, (sizeBytes-text.Len()-60)/len(prose))
		fmt.Fprintf(text, `{"role":%q,"content":"%s"},`, role, strings.Repeat(prose, repeats))
	}
}

// tools is what an agent's history calls, as a field.
func tools(spoken *dialect) string {
	const schema = `{"type":"object","properties":{"path":{"type":"string"},"line":{"type":"integer"}},"required":["path"]}`
	const about = `"name":"read_file","description":"Reads a file."`
	if spoken == &messages {
		return fmt.Sprintf(`"tools":[{%s,"input_schema":%s}],`, about, schema)
	}
	return fmt.Sprintf(`"tools":[{"type":"function","function":{%s,"parameters":%s}}],`, about, schema)
}

// writeHistory fills an agent's conversation: of each four messages one is a question, one a call of a tool, one its
// result and one an answer, with as much text as makes them sizeBytes in all.
func writeHistory(text *strings.Builder, spoken *dialect, sizeBytes int) {
	const rounds = historyTurns / 4
	said := strings.Repeat(prose, sizeBytes/rounds/3/len(prose))
	for round := 0; round < rounds; round++ {
		id := fmt.Sprintf("call_bench%08d", round)
		fmt.Fprintf(text, `{"role":"user","content":"%s"},`, said)
		if spoken == &messages {
			fmt.Fprintf(text, `{"role":"assistant","content":[{"type":"text","text":"I look."},{"type":"tool_use","id":%q,"name":"read_file",`+
				`"input":{"path":"/maze/%d","line":%d}}]},`, id, round, round)
			fmt.Fprintf(text, `{"role":"user","content":[{"type":"tool_result","tool_use_id":%q,"content":"%s"}]},`, id, said)
		} else {
			fmt.Fprintf(text, `{"role":"assistant","content":"I look.","tool_calls":[{"id":%q,"type":"function","function":`+
				`{"name":"read_file","arguments":"{\"path\":\"/maze/%d\",\"line\":%d}"}}]},`, id, round, round)
			fmt.Fprintf(text, `{"role":"tool","tool_call_id":%q,"content":"%s"},`, id, said)
		}
		fmt.Fprintf(text, `{"role":"assistant","content":"%s"},`, said)
	}
}
