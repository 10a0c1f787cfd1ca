package supervisor

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
)

// Stage puts files below stage/name in the run directory of the login user, or of the one who is to read
// them. All small files and the rest of the tree go in one stream of script; a large file goes in
// a stream of its own. What arrived is verified by size before the directory takes its place.
func (h *Host) Stage(ctx context.Context, sudo, name string, files []executor.StagedFile) (string, error) {
	if !validID(name) || strings.HasPrefix(name, ".") {
		return "", stageError("it is not a name for a directory: " + name)
	}
	for _, f := range files {
		if f.Path == "." || !fs.ValidPath(f.Path) || strings.ContainsAny(f.Path, "\x00\n") {
			return "", stageError("it is not a clean relative path: " + f.Path)
		}
	}
	if sudo == "root" {
		sudo = "" // who reads everything
	}
	dir, err := h.runDir(ctx, sudo)
	if err != nil {
		return "", err
	}
	tree := staging{h: h, sudo: sudo, home: dir + "/stage", name: name, tmp: dir + "/stage/" + name + ".tmp"}
	return tree.home + "/" + name, tree.write(ctx, files)
}

func (h *Host) runDir(ctx context.Context, sudo string) (string, error) {
	if _, ready := h.known(sudo); !ready {
		if _, _, err := h.prove(ctx, sudo); err != nil {
			return "", err
		}
	}
	id := h.identity(sudo)
	h.mu.Lock()
	defer h.mu.Unlock()
	return id.dir, nil
}

func stageError(why string) *executor.HostError {
	return &executor.HostError{Class: "stage", Message: "cannot stage files on the host: " + why}
}

// staging is one directory on its way to the host.
type staging struct {
	h               *Host
	sudo            string
	home, name, tmp string
}

func (t staging) write(ctx context.Context, files []executor.StagedFile) error {
	var script strings.Builder
	script.WriteString("set -eu; LC_ALL=C; export LC_ALL; umask 077\n")
	fmt.Fprintf(&script, "[ -d %[1]s ] || mkdir %[1]s\nrm -rf %[2]s\nmkdir %[2]s\ncd %[2]s\n", quote(t.home), quote(t.tmp))
	made := map[string]bool{".": true}
	var large []executor.StagedFile
	for _, f := range files {
		mkdirs(&script, f, made)
		switch {
		case f.Mode&fs.ModeDir != 0:
		case f.Mode&fs.ModeSymlink != 0:
			fmt.Fprintf(&script, "ln -s %s %s\n", quote(dashed(f.Link)), quote(dashed(f.Path)))
		case f.Size > smallFileMax:
			large = append(large, f)
		default:
			if err := printed(&script, f); err != nil {
				return err
			}
		}
	}
	finish := t.finish(files)
	if len(large) == 0 {
		return t.run(ctx, script.String()+finish)
	}
	if err := t.run(ctx, script.String()); err != nil {
		return err
	}
	for _, f := range large {
		if err := t.upload(ctx, f); err != nil {
			return err
		}
	}
	return t.run(ctx, "set -eu; LC_ALL=C; export LC_ALL; cd "+quote(t.tmp)+"\n"+finish)
}

// dashed keeps a name that begins with a dash from being an option.
func dashed(name string) string {
	if strings.HasPrefix(name, "-") {
		return "./" + name
	}
	return name
}

// mkdirs makes the directory of f, and f where it is one, once each.
func mkdirs(script *strings.Builder, f executor.StagedFile, made map[string]bool) {
	dir := path.Dir(f.Path)
	if f.Mode&fs.ModeDir != 0 {
		dir = f.Path
	}
	if !made[dir] {
		fmt.Fprintf(script, "mkdir -p %s\n", quote(dashed(dir)))
	}
	for ; !made[dir]; dir = path.Dir(dir) {
		made[dir] = true
	}
}

// printed writes a small file as words of printf, a builtin everywhere.
func printed(script *strings.Builder, f executor.StagedFile) error {
	body, err := f.Open()
	if err != nil {
		return stageError(err.Error())
	}
	data, err := io.ReadAll(io.LimitReader(body, smallFileMax+1))
	if cerr := body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return stageError("cannot read " + f.Path + ": " + err.Error())
	}
	if int64(len(data)) != f.Size {
		return stageError(f.Path + " changed its size while it was read")
	}
	script.WriteString("{ :\n")
	for len(data) > 0 {
		n := min(len(data), 16<<10)
		fmt.Fprintf(script, "printf '%s'\n", format(string(data[:n])))
		data = data[n:]
	}
	fmt.Fprintf(script, "} >%s\n", quote(dashed(f.Path)))
	return nil
}

// finish verifies sizes, sets modes, and renames the whole into place.
func (t staging) finish(files []executor.StagedFile) string {
	var b, names strings.Builder
	var size int64
	count := 0
	verify := func() {
		if count > 0 {
			fmt.Fprintf(&b, "[ $(($(cat%s | wc -c))) = %d ] || { echo 'not all of it arrived: the disk may be full' >&2; exit 1; }\n", names.String(), size)
		}
		names.Reset()
		size, count = 0, 0
	}
	modes := map[fs.FileMode]*strings.Builder{}
	var order []fs.FileMode
	for _, f := range files {
		if f.Mode&fs.ModeSymlink != 0 {
			continue
		}
		word := " " + quote(dashed(f.Path))
		if modes[f.Mode.Perm()] == nil {
			modes[f.Mode.Perm()] = &strings.Builder{}
			order = append(order, f.Mode.Perm())
		}
		modes[f.Mode.Perm()].WriteString(word)
		if f.Mode&fs.ModeDir != 0 {
			continue
		}
		names.WriteString(word)
		size += f.Size
		if count++; count == stagedBatch {
			verify()
		}
	}
	verify()
	for _, m := range order {
		fmt.Fprintf(&b, "chmod %o%s\n", m, modes[m])
	}
	final := quote(t.home + "/" + t.name)
	fmt.Fprintf(&b, "cd /\nrm -rf %s\nmv %s %s\n", final, quote(t.tmp), final)
	return b.String()
}

// run has the host run a script that is sent as a file, as shells read their stdin byte by byte.
func (t staging) run(ctx context.Context, script string) error {
	file := quote(t.home + "." + t.name + ".sh")
	line := fmt.Sprintf("umask 077; cat >%[1]s && sh %[1]s; r=$?; rm -f %[1]s; echo \"status $r\"\n", file)
	return t.send(ctx, line, strings.NewReader(script+"exit 0\n"))
}

func (t staging) upload(ctx context.Context, f executor.StagedFile) error {
	body, err := f.Open()
	if err != nil {
		return stageError(err.Error())
	}
	file := quote(t.tmp + "/" + f.Path)
	err = t.send(ctx, fmt.Sprintf("umask 077; cat >%s; r=$?; echo \"status $r\"\n", file), body)
	if cerr := body.Close(); err == nil && cerr != nil {
		err = stageError(cerr.Error())
	}
	return err
}

// send opens an upload, writes the line and then the body, and reads how it ended.
func (t staging) send(ctx context.Context, line string, body io.Reader) error {
	for {
		c, err := t.h.pool.take(ctx, "upload", "")
		if err != nil {
			return gaveUp(err)
		}
		if c == nil {
			break
		}
	}
	defer t.h.pool.drop(nil)
	s, err := t.h.uploader(ctx, t.sudo)
	if err != nil {
		return hostError(err)
	}
	c := newChannel(s, "upload", t.sudo)
	defer c.shut()
	release := c.within(ctx, uploadTime)
	defer release()
	wrote := make(chan error, 1)
	go func() {
		_, err := io.Copy(s, io.MultiReader(strings.NewReader(line), body))
		if cerr := s.CloseWrite(); err == nil {
			err = cerr
		}
		wrote <- err
	}()
	answer, rerr := io.ReadAll(io.LimitReader(s, noiseMax))
	if rerr != nil {
		c.shut()
	}
	werr := <-wrote
	return c.uploaded(string(answer), rerr, werr)
}

// uploader starts what reads one line of script and leaves the rest of its stdin to it.
func (h *Host) uploader(ctx context.Context, sudo string) (Shell, error) {
	if sudo == "" {
		return h.link.Upload(ctx)
	}
	s, err := h.shell(ctx, sudo)
	if err != nil {
		return nil, err
	}
	// A shell may read ahead, so it is given nothing more until it has become one that does not.
	c := &channel{Shell: s, nonce: token()}
	c.out = newFrames(s, c.nonce)
	release := c.within(ctx, requestTime)
	err = c.send(`printf '\n%s go\n' ` + c.nonce + "; " + UploadCommand + "\n")
	if err == nil {
		_, err = c.out.next(func([]byte) error { return nil })
	}
	if !release() || err != nil {
		c.shut()
		return nil, &executor.HostError{Class: "link", Message: "cannot stage files on the host: it does not answer as " + sudo}
	}
	return s, nil
}

func (c *channel) uploaded(answer string, rerr, werr error) error {
	words := strings.Fields(answer)
	if n := len(words); n >= 2 && words[n-2] == "status" {
		if words[n-1] == "0" && werr == nil {
			return nil
		}
		<-c.done
		said := c.said.String()
		if strings.Contains(said, "o space") || strings.Contains(said, "uota") {
			return &executor.HostError{Class: "disk-full", Message: "cannot stage files on the host: " + said}
		}
		if said == "" && werr != nil {
			said = werr.Error()
		}
		return stageError(said)
	}
	for _, err := range []error{rerr, werr} {
		if err != nil {
			return &executor.HostError{Class: "link", Message: "cannot stage files on the host: " + err.Error()}
		}
	}
	return &executor.HostError{Class: "link", Message: "cannot stage files on the host: it did not say how that ended"}
}
