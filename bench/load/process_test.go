package main

import (
	"os"
	"reflect"
	"testing"
)

func TestThreadsAreAddedUpByName(t *testing.T) {
	before := map[int]threadUsage{1: {"main", 100}, 2: {"worker", 50}, 3: {"worker", 70}}
	after := map[int]threadUsage{1: {"main", 130}, 2: {"worker", 55}, 4: {"worker", 20}}
	ran := threadsSince(before, after)
	if want := map[string]int64{"main": 30, "worker": 25}; !reflect.DeepEqual(ran, want) {
		t.Errorf("%v ran, not %v", ran, want)
	}
}

func TestOwnThreadsAreFound(t *testing.T) {
	if len(readThreads(os.Getpid())) == 0 {
		t.Error("this process has no threads")
	}
}
