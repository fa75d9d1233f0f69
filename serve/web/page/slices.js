// Slices of a scan, fetched once and held within a bound.
import { bytes } from './ask.js'

const most = 96e6 // bytes

export class Slices {
  constructor(scan) {
    this.scan = scan
    this.held = new Map() // address → Promise of a typed array; oldest first
    this.size = 0
  }

  // get is a slice of the image (16 bits) or of a layer (8 bits, signed).
  get(image, layer, plane, slice) {
    const at = `v1/scans/${encodeURIComponent(this.scan)}/${image}/${layer}/${plane}/${slice}`
    const had = this.held.get(at)
    if (had) {
      this.held.delete(at)
      this.held.set(at, had)
      return had
    }
    const got = bytes(at).then(b => {
      this.size += b.byteLength
      got.bytes = b.byteLength
      for (const [old, p] of this.held) {
        if (this.size <= most || old === at) break
        this.held.delete(old)
        this.size -= p.bytes || 0
      }
      return layer === 'image' ? new Uint16Array(b) : new Int8Array(b)
    })
    got.catch(() => this.held.delete(at))
    this.held.set(at, got)
    return got
  }

  forget() {
    this.held.clear()
    this.size = 0
  }
}
