//go:build unix

package realsshd

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Floor does ten trivial steps on all hosts at once with x/crypto/ssh and nothing else: with an exec
// channel a step, or through one persistent shell a host. It is what benchmarks compare with.
func (f *Fleet) Floor(shell bool) error {
	key, err := os.ReadFile(f.ClientKey)
	if err != nil {
		return err
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		return err
	}
	config := &ssh.ClientConfig{
		User: f.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: time.Minute,
	}
	errs := make([]error, len(f.Hosts))
	var wg sync.WaitGroup
	for i, h := range f.Hosts {
		wg.Go(func() { errs[i] = floorHost(h.Addr, config, shell) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func floorHost(addr string, config *ssh.ClientConfig, shell bool) error {
	client, err := ssh.Dial("tcp", addr, config)
	if err != nil {
		return err
	}
	defer client.Close()
	if shell {
		return floorShell(client)
	}
	for i := range 10 {
		session, err := client.NewSession()
		if err != nil {
			return err
		}
		if _, err := session.Output(fmt.Sprintf("echo step %d", i)); err != nil {
			return err
		}
	}
	return nil
}

// floorShell feeds one persistent shell, a step at a time, with answers between marks.
func floorShell(client *ssh.Client) error {
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	in, err := session.StdinPipe()
	if err != nil {
		return err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return err
	}
	if err := session.Start("exec sh"); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	for i := range 10 {
		if _, err := fmt.Fprintf(in, "(echo step %d) </dev/null; echo MARK $?\n", i); err != nil {
			return err
		}
		var got bytes.Buffer
		for !bytes.Contains(got.Bytes(), []byte("MARK 0\n")) {
			n, err := out.Read(buf)
			got.Write(buf[:n])
			if err != nil {
				return err
			}
		}
	}
	return nil
}
