package device

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Device is a running host without a shell, and the files a client needs to reach it.
type Device struct {
	Name       string
	IP         string
	Port       int
	User       string
	ClientKey  string // path of the private key it accepts
	KnownHosts string // path of a known_hosts file with its key
	SSHConfig  string // path of an ssh_config file with an entry for it

	answer  func(*Exec)
	config  *ssh.ServerConfig
	serving sync.WaitGroup

	mu     sync.Mutex
	heard  []string // commands, in order
	logins int
	conns  map[net.Conn]bool
}

// Start starts a device that ends with the test. answer is called for each command that is sent.
func Start(tb testing.TB, answer func(*Exec)) *Device {
	tb.Helper()
	dir := tb.TempDir()
	d := &Device{
		Name: "switch1", IP: "127.0.0.1", User: "admin", answer: answer, conns: map[net.Conn]bool{},
		ClientKey: filepath.Join(dir, "client_key"), KnownHosts: filepath.Join(dir, "known_hosts"), SSHConfig: filepath.Join(dir, "ssh_config"),
	}
	client, host := newKey(tb), newKey(tb)
	d.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(client.signer.PublicKey().Marshal()) {
			return nil, fmt.Errorf("this key is unknown")
		}
		return nil, nil
	}}
	d.config.AddHostKey(host.signer)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	d.Port = l.Addr().(*net.TCPAddr).Port
	write(tb, d.ClientKey, client.text)
	write(tb, d.KnownHosts, knownhosts.Line([]string{l.Addr().String()}, host.signer.PublicKey())+"\n")
	write(tb, d.SSHConfig, fmt.Sprintf("Host %s\n  HostName %s\n  Port %d\n  User %s\n  IdentityFile %s\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile %s\n",
		d.Name, d.IP, d.Port, d.User, d.ClientKey, d.KnownHosts))
	d.serving.Go(func() { d.listen(l) })
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
		d.Cut()
		d.serving.Wait()
	})
	return d
}

// Heard gives the commands that were sent so far.
func (d *Device) Heard() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.heard...)
}

// Logins is how often somebody logged in.
func (d *Device) Logins() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logins
}

// Cut breaks every connection.
func (d *Device) Cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		_ = c.Close() // it may have ended by itself
	}
}

func (d *Device) listen(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		d.conns[c] = true
		d.mu.Unlock()
		d.serving.Go(func() {
			d.serve(c)
			d.mu.Lock()
			delete(d.conns, c)
			d.mu.Unlock()
			_ = c.Close() // for what did not end in order
		})
	}
}

func (d *Device) serve(c net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(c, d.config)
	if err != nil {
		return
	}
	d.mu.Lock()
	d.logins++
	d.mu.Unlock()
	d.serving.Go(func() { ssh.DiscardRequests(requests) })
	for n := range channels {
		if n.ChannelType() != "session" {
			_ = n.Reject(ssh.UnknownChannelType, "sessions only") // the client may be gone
			continue
		}
		channel, asked, err := n.Accept()
		if err != nil {
			continue
		}
		d.serving.Go(func() { d.session(c, channel, asked) })
	}
}

// session answers the exec request of a session, and refuses all else.
func (d *Device) session(c net.Conn, channel ssh.Channel, asked <-chan *ssh.Request) {
	for r := range asked {
		var m struct{ Command string }
		ok := r.Type == "exec" && ssh.Unmarshal(r.Payload, &m) == nil
		if ok {
			d.mu.Lock()
			d.heard = append(d.heard, m.Command)
			d.mu.Unlock()
		}
		if r.WantReply {
			_ = r.Reply(ok, nil) // the client may be gone
		}
		if ok {
			d.serving.Go(func() { d.answer(&Exec{Command: m.Command, conn: c, channel: channel}) })
		}
	}
}

// Exec is a command that was sent. What it does may fail when the client is gone, which is no matter.
type Exec struct {
	Command string
	conn    net.Conn
	channel ssh.Channel
}

// Print writes to the command's output.
func (e *Exec) Print(text string) { _, _ = io.WriteString(e.channel, text) }

// Complain writes to its error output.
func (e *Exec) Complain(text string) { _, _ = io.WriteString(e.channel.Stderr(), text) }

// Stdin reads what the client sends, to its end.
func (e *Exec) Stdin() string {
	text, _ := io.ReadAll(e.channel)
	return string(text)
}

// Exit tells an exit status, and ends the channel.
func (e *Exec) Exit(status uint32) {
	e.Status(status)
	e.Close()
}

// Status tells an exit status, and nothing more.
func (e *Exec) Status(status uint32) {
	_, _ = e.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
}

// Killed tells that a signal ended it, and ends the channel.
func (e *Exec) Killed(signal string) {
	_, _ = e.channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
		Signal   string
		Core     bool
		Message  string
		Language string
	}{Signal: signal}))
	e.Close()
}

// Close ends the channel in order, without an exit status if none was told.
func (e *Exec) Close() { _ = e.channel.Close() }

// HangUp ends the connection.
func (e *Exec) HangUp() { _ = e.conn.Close() }

type key struct {
	signer ssh.Signer
	text   string
}

func newKey(tb testing.TB) key {
	tb.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "opsctl test")
	if err != nil {
		tb.Fatal(err)
	}
	return key{signer: signer, text: string(pem.EncodeToMemory(block))}
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
