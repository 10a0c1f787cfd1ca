package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// Digest is the HMAC-SHA256 of the secret under the key, in hex: with it a change of the secret
// can be noticed later, and nothing can be learnt about it by those who do not have the key.
func Digest(key []byte, s Secret) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(s.Reveal()))
	return hex.EncodeToString(mac.Sum(nil))
}
