package main

import (
	"bufio"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func bodyOf(t *testing.T, wanted plan) string {
	t.Helper()
	built, err := newTask(wanted)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(built.request), "\r\n\r\n")
	return body
}

func TestBodiesAreJSONInTheirDialect(t *testing.T) {
	for _, kind := range []string{"json", "burst", "ticks", "body", "history"} {
		for _, dialect := range []string{"chat", "messages"} {
			body := bodyOf(t, plan{kind: kind, dialect: dialect, model: "m", events: 7, intervalMs: 50, bodySize: 5 << 20})
			var parsed struct {
				Model     string
				Stream    bool
				MaxTokens int `json:"max_tokens"`
				System    string
				Messages  []struct{ Role string }
			}
			if err := json.Unmarshal([]byte(body), &parsed); err != nil {
				t.Fatalf("%s %s: %v", kind, dialect, err)
			}
			isStream := kind == "burst" || kind == "ticks"
			if parsed.Model != "m" || parsed.Stream != isStream || (parsed.MaxTokens > 0) != (dialect == "messages") {
				t.Errorf("%s %s: %+v", kind, dialect, parsed)
			}
			if (parsed.System == "") != (parsed.Messages[0].Role == "system") {
				t.Errorf("%s %s: no instruction", kind, dialect)
			}
			if kind != "history" {
				continue
			}
			said := len(parsed.Messages)
			if dialect == "chat" {
				said--
			}
			if said != historyTurns+1 || len(body) < 5_000_000 || len(body) > 6_000_000 {
				t.Errorf("%s: %d messages, %d bytes", dialect, said, len(body))
			}
		}
	}
}

func TestScriptsAreFoundHoweverTheBodyIsSplit(t *testing.T) {
	wanted := map[string]string{
		`{"model":"m","user":"ticks 50 7","messages":[]}`:                                                                           "ticks 50 7",
		`{"messages":[{"content":"Out? [bench burst 9]"}],"model":"m","stream":true}`:                                               "burst 9",
		`{"messages":"` + strings.Repeat("long ", 300) + `[bench ticks 50 100]` + strings.Repeat(" tail", 300) + `","user":"json"}`: "ticks 50 100",
		`{"messages":"[bench burst`: "json",
		`{}`:                        "json",
	}
	for payload, script := range wanted {
		for size := 1; size <= len(payload) && size < 200; size++ {
			found := body{reader: bufio.NewReader(strings.NewReader(payload)), left: int64(len(payload))}
			if size == 1 {
				found.reader = bufio.NewReader(iotest.OneByteReader(strings.NewReader(payload)))
			} else {
				found.reader = bufio.NewReaderSize(strings.NewReader(payload), size)
			}
			if got, err := readScript(&found); err != nil || got != script {
				t.Fatalf("%.60s in parts of %d: %q, %v", payload, size, got, err)
			}
		}
	}
}

func TestStreamsAreCountedHoweverTheyAreSplit(t *testing.T) {
	for _, spoken := range []*dialect{&chat, &messages} {
		wire := string(spoken.streamHead) + strings.Repeat(string(spoken.streamEvent), 9) + string(spoken.streamTail)
		for mark, events := range map[string]int{"\n\n": 9 + spoken.otherEvents, tokenMark: 9} {
			expected := task{events: events, eventMark: []byte(mark), lastOfStream: spoken.lastOfStream}
			for size := 64; size < 300; size++ {
				// A buffer of this size is what one read yields at most.
				own := &client{reader: bufio.NewReaderSize(strings.NewReader(wire), size)}
				var seen int
				if err := own.receive(expected, func(count int) { seen += count }); err != nil {
					t.Fatalf("%s in parts of %d: %v", spoken.path, size, err)
				}
				if seen != events {
					t.Fatalf("%s in parts of %d: %d events of %d", spoken.path, size, seen, events)
				}
			}
			bytewise := &client{reader: bufio.NewReader(iotest.OneByteReader(strings.NewReader(wire)))}
			if err := bytewise.receive(expected, func(int) {}); err != nil {
				t.Fatal(err)
			}
			cut := strings.Replace(wire, string(spoken.streamTail), "0\r\n\r\n", 1)
			whole := &client{reader: bufio.NewReader(strings.NewReader(cut))}
			if err := whole.receive(expected, func(int) {}); err == nil {
				t.Error("a stream without its end was taken as whole")
			}
		}
	}
}

func TestEachDialectIsServed(t *testing.T) {
	for _, spoken := range []*dialect{&chat, &messages} {
		for _, kind := range []string{"json", "burst"} {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				if err := serve(far, newTickers()); err != nil && !isHangUp(err) {
					t.Error(err)
				}
			}()
			name := "chat"
			if spoken == &messages {
				name = "messages"
			}
			wanted, err := newTask(plan{kind: kind, dialect: name, model: "m", events: 5})
			if err != nil {
				t.Fatal(err)
			}
			own := &client{connection: near, reader: bufio.NewReader(near), deadline: time.Now().Add(time.Minute)}
			if err := own.send(wanted.request); err != nil {
				t.Fatal(err)
			}
			if err := own.receive(wanted, func(int) {}); err != nil {
				t.Errorf("%s %s: %v", name, kind, err)
			}
			near.Close()
		}
	}
}
