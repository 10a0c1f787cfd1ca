package action

import "fmt"

// cksum is the sum of the POSIX utility of that name, for hosts that have no other: a CRC of the
// content and its length, https://pubs.opengroup.org/onlinepubs/9799919799/utilities/cksum.html
type cksum struct {
	crc   uint32
	size  uint64
	table [256]uint32
}

const cksumPolynomial = 0x04C11DB7

func newCksum() *cksum {
	c := &cksum{}
	for i := range c.table {
		v := uint32(i) << 24
		for range 8 {
			if v&(1<<31) != 0 {
				v = v<<1 ^ cksumPolynomial
			} else {
				v <<= 1
			}
		}
		c.table[i] = v
	}
	return c
}

func (c *cksum) Write(p []byte) (int, error) {
	for _, b := range p {
		c.crc = c.crc<<8 ^ c.table[byte(c.crc>>24)^b]
	}
	c.size += uint64(len(p))
	return len(p), nil
}

// String gives the sum and the size, as the utility prints them.
func (c *cksum) String() string {
	crc := c.crc
	for n := c.size; n > 0; n >>= 8 {
		crc = crc<<8 ^ c.table[byte(crc>>24)^byte(n)]
	}
	return fmt.Sprintf("%d %d", ^crc, c.size)
}
