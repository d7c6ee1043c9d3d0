package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// longestStream bounds every connection of a streamed reply.
const longestStream = 10 * time.Minute

// prefixSize is how much of a request's body is searched for its script.
const prefixSize = 512

// upstreamCommand serves POST /v1/chat/completions. What it answers stands in the body's `user` field:
// "json", "burst N" (N events at once) or "ticks MS N" (N events, one each MS milliseconds).
func upstreamCommand(arguments []string) error {
	flags := flag.NewFlagSet("upstream", flag.ExitOnError)
	port := flags.Int("port", 0, "port on 127.0.0.1")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		return err
	}
	clocks := newTickers()
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			err := serve(connection, clocks)
			if err != nil && !isHangUp(err) {
				fmt.Fprintln(os.Stderr, "upstream:", err)
			}
		}()
	}
}

func isHangUp(err error) bool {
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}

func serve(connection net.Conn, clocks *tickers) error {
	reader := bufio.NewReaderSize(connection, 16<<10)
	for {
		request, err := readHead(reader)
		if err != nil {
			return err
		}
		script, err := readScript(&request.body)
		if err != nil {
			return err
		}
		if err := answer(connection, clocks, script); err != nil {
			return err
		}
		if request.close {
			return nil
		}
	}
}

// readScript reads the whole body and returns the value of its `user` field, which stands near its start.
func readScript(payload *body) (string, error) {
	prefix := make([]byte, 0, prefixSize)
	for {
		part, err := payload.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		if room := prefixSize - len(prefix); room > 0 {
			if len(part) < room {
				room = len(part)
			}
			prefix = append(prefix, part[:room]...)
		}
	}
	_, after, found := bytes.Cut(prefix, []byte(`"user":"`))
	script, _, ended := bytes.Cut(after, []byte(`"`))
	if !found || !ended {
		return "json", nil // a health probe or a list of models
	}
	return string(script), nil
}

func answer(connection net.Conn, clocks *tickers, script string) error {
	var intervalMs, count int
	if script == "json" {
		_, err := connection.Write(jsonReply)
		return err
	}
	if _, err := fmt.Sscanf(script, "burst %d", &count); err == nil {
		return burst(connection, count)
	}
	if _, err := fmt.Sscanf(script, "ticks %d %d", &intervalMs, &count); err == nil && intervalMs > 0 && count > 0 {
		return clocks.play(connection, intervalMs, count)
	}
	return fmt.Errorf("unknown script %q", script)
}

// burst writes each event on its own, as a provider flushes each token; whoever reads slower sees them joined.
func burst(connection net.Conn, count int) error {
	if _, err := connection.Write(streamHead); err != nil {
		return err
	}
	for index := 0; index < count; index++ {
		if _, err := connection.Write(streamEvent); err != nil {
			return err
		}
	}
	_, err := connection.Write(streamTail)
	return err
}

var jsonReply = reply(`{"id":"chatcmpl-bench000000000000000000","object":"chat.completion","created":1790000000,` +
	`"model":"bench-model","choices":[{"index":0,"message":{"role":"assistant","content":"` +
	strings.Repeat("The thread leads out of the labyrinth. ", 15) +
	`","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":190,` +
	`"completion_tokens":120,"total_tokens":310,"prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0},` +
	`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default"}`)

var streamHead = []byte("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n" +
	"x-request-id: req_bench\r\ntransfer-encoding: chunked\r\n\r\n")

var streamEvent = chunk(event(`"choices":[{"index":0,"delta":{"content":" thread"},"logprobs":null,"finish_reason":null}],"usage":null`))

// streamTail is two more events and the end: usage, then the mark.
var streamTail = append(append(
	chunk(event(`"choices":[],"usage":{"prompt_tokens":190,"completion_tokens":100,"total_tokens":290,`+
		`"prompt_tokens_details":{"cached_tokens":64}}`)),
	chunk("data: [DONE]\n\n")...), "0\r\n\r\n"...)

// tailEvents is the number of events in streamTail.
const tailEvents = 2

func reply(text string) []byte {
	return []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\n"+
		"content-length: %d\r\n\r\n%s", len(text), text))
}

func event(fields string) string {
	return `data: {"id":"chatcmpl-bench000000000000000000","object":"chat.completion.chunk","created":1790000000,` +
		`"model":"bench-model",` + fields + "}\n\n"
}

func chunk(text string) []byte {
	return []byte(fmt.Sprintf("%x\r\n%s\r\n", len(text), text))
}
