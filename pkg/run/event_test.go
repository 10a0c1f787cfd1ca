package run

import (
	"encoding/json"
	"testing"
	"time"
)

func TestEventsKeepTheirEncoding(t *testing.T) {
	at := time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	one := 1
	tests := []struct {
		event Event
		want  string
	}{
		{Event{Seq: 1, Time: at, Kind: RunStarted, RunID: "R", Runbook: "x", Format: 1}, `{"seq":1,"time":"2026-11-23T01:02:03Z","event":"run_started","runbook":"x","run":"R","format":1}`},
		{Event{Seq: 2, Time: at, Kind: AttemptStarted, Op: Op{"a/b", "h"}, Act: Do, Number: 1, Undo: &Sealed{Script: "x"}}, `{"seq":2,"time":"2026-11-23T01:02:03Z","event":"attempt_started","step":"a/b","host":"h","act":"do","number":1,"undo":{"script":"x"}}`},
		{Event{Seq: 3, Time: at, Kind: AttemptFinished, Op: Op{"a", "h"}, Act: Do, Number: 1, Outcome: Failed, Exit: &one, Effects: true}, `{"seq":3,"time":"2026-11-23T01:02:03Z","event":"attempt_finished","step":"a","host":"h","act":"do","number":1,"outcome":"failed","exit":1,"effects":true}`},
		{Event{Seq: 4, Time: at, Kind: RunFinished, Result: Succeeded}, `{"seq":4,"time":"2026-11-23T01:02:03Z","event":"run_finished","result":"succeeded","code":0}`},
	}
	for _, tt := range tests {
		got, err := json.Marshal(tt.event)
		if err != nil || string(got) != tt.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
		}
		var back Event
		if err := json.Unmarshal(got, &back); err != nil {
			t.Error(err)
		}
		again, err := json.Marshal(back)
		if err != nil || string(again) != tt.want {
			t.Errorf("read back and written: %s, %v", again, err)
		}
	}
}
