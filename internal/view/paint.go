package view

import (
	"fmt"
	"strings"
	"time"
)

// paintLoop paints when something is new, and each second for the clocks; at most so often that
// a slow line keeps up.
func (v *screen) paintLoop() {
	defer close(v.done)
	signals, forget := v.watch()
	defer forget()
	v.write(enterScreen)
	defer v.write(leaveScreen) // also when painting panics
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		v.paint()
		if !v.pause() {
			return
		}
		select {
		case <-v.stop:
			return
		case <-v.dirty:
		case <-second.C:
			v.painted = nil // whatever was typed over the screen goes
		case <-signals.resized:
		case <-signals.suspended:
			v.write(leaveScreen)
			signals.stopSelf()
			v.enterAgain()
		case resume := <-v.suspend:
			v.write(leaveScreen)
			select {
			case <-resume:
			case <-v.stop:
				return
			}
			v.enterAgain()
		}
	}
}

// pause holds the number of frames a second; it tells whether to go on.
func (v *screen) pause() bool {
	timer := time.NewTimer(time.Second / framesPerSecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-v.stop:
		return false
	}
}

func (v *screen) enterAgain() {
	v.write(enterScreen)
	v.painted, v.width, v.height = nil, 0, 0
}

// paint writes the lines that differ from what is there. The size is asked each time.
func (v *screen) paint() {
	width, height := size(v.options.Err)
	v.mu.Lock()
	text := Render(v.log.board, width, height, v.options.Clock(), v.options.theme, v.notes...)
	v.mu.Unlock()
	lines := strings.Split(text, "\n")
	var frame strings.Builder
	whole := v.painted == nil
	if width != v.width || height != v.height {
		frame.WriteString("\x1b[2J")
		whole = true
	}
	for i, line := range lines {
		if whole || i >= len(v.painted) || v.painted[i] != line {
			fmt.Fprintf(&frame, "\x1b[%d;1H\x1b[2K%s", i+1, line)
		}
	}
	if len(lines) < height && (whole || len(lines) < len(v.painted)) {
		fmt.Fprintf(&frame, "\x1b[%d;1H\x1b[J", len(lines)+1)
	}
	v.painted, v.width, v.height = lines, width, height
	if frame.Len() > 0 {
		v.write(beginFrame + frame.String() + endFrame)
	}
}
