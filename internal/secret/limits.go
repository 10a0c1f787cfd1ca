package secret

import "time"

// The limits of the sources, in one place.
const (
	secretMax       = 64 << 10  // bytes of one secret
	documentMax     = 1 << 20   // bytes of a decrypted file; the encrypted one may be twice as long
	identityMax     = 64 << 10  // bytes of a file of identities or recipients
	complaintRead   = 128 << 10 // bytes of standard error that are searched for secrets
	complaintMax    = 2 << 10   // bytes of it that are shown, the last ones
	commandTime     = 60 * time.Second
	outputTime      = 2 * time.Second // for what a command left running to let go of its output
	passphraseTries = 3               // as ssh does
	scryptWorkMax   = 20              // 2^20: a gigabyte of memory; age itself writes 2^18
)
