// Package secret keeps secrets from being seen: the Secret type, whose every text form is ***,
// the Fetcher, which gets a secret from where a runbook says it is, and the Masker, which takes
// known secrets out of what is printed and stored.
//
// The Masker finds a secret as it is, line by line, and in the encodings programs commonly print:
// base64 at any alignment and also wrapped, hex, URL, JSON, shell, Go, Python and XML escapes.
// It cannot find what a program hashed, encrypted, compressed, reversed or cut to pieces.
//
// A secret of fewer than four characters is not masked: it would match everywhere, make output
// unreadable and betray itself by the pattern of its stars. Masker.Short tells how many there
// are, so that a person can be warned.
//
// The Fetcher reads the environment, files, the output of programs, files encrypted with age
// (which it decrypts itself) and with sops (which it has the program do), and asks a person. No
// error of it repeats a text that could be secret, nor what a library says about such a text.
//
// The package is unaware of runs, of runbooks and of terminals.
package secret
