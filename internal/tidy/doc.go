// Package tidy is the architecture as a test: who may import whom, which packages are pure, how large a file may grow,
// where each library is at home, which words we use. Every refusal says why the rule is there and what to do instead; a
// rule that is in the way is changed here, in the open, and not gone around.
//
// It reads the source as text and syntax trees, so that it is done before a compiler would be. It is unaware of types, of
// what the program does, and of whether it is right.
package tidy
