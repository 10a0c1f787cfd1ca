// Package action holds the built-in actions of steps: copy, link, line, service, fetch, wait and http.
// They need nothing on a host but a POSIX shell.
//
// What a copy, a link or a line replaces is kept on the host first, in batches: each do records, whole and
// before its first change, how everything stood that it will touch, and the undo puts the batches
// back, the latest first. So a do that broke off half way and was tried again is undone exactly,
// too: content, mode, owner and times of files, the same of directories, and absence. Hard links,
// extended attributes and what others put into directories made here are not brought back.
//
// Choices of copy: a dest that is a symlink stands for its target; symlinks inside a directory are
// replaced themselves, and never written through. Directories that exist keep their mode and owner;
// mode is for files. A file that is replaced keeps its owner where none is said and root does it.
// Missing parents are made, with mode 0755, by copy and by link.
//
// A line is changed here and written back only if the file is still as it was read. Of a service its
// state before the first try is kept. What is fetched is written below one directory, whatever a host
// says of names. A request that changes something is made once; none is claimed on a host.
//
// It is unaware of runs, attempts and journals: it makes commands, and reads answers.
package action
