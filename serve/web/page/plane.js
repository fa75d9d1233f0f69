// One plane of a scan: a canvas that shows a slice, what is laid over it and the crosshair, in the patient's millimetres.

// Planes as radiologists look at them: axial from the feet, coronal from the front, sagittal from the left. axes are those along columns,
// rows and slices; rows of coronal and sagittal slices run to the feet.
export const planes = {
  axial: { name: 'Axial', columns: 0, rows: 1, across: 2, down: 1, edges: ['R', 'L', 'A', 'P'] },
  coronal: { name: 'Coronal', columns: 0, rows: 2, across: 1, down: -1, edges: ['R', 'L', 'S', 'I'] },
  sagittal: { name: 'Sagittal', columns: 1, rows: 2, across: 0, down: -1, edges: ['A', 'P', 'S', 'I'] },
}

// ends names the ends of each axis.
export const ends = [['right', 'left'], ['front', 'back'], ['feet', 'head']]

// heat is the colour of a share of the most: yellow to red where all is of one sign, blue and red where there are both.
function heat(v, signed) {
  const a = Math.abs(v)
  if (signed) return v < 0 ? [70, 140, 255] : [255, 84, 60]
  return [255, Math.round(230 - 190 * a), Math.round(60 - 40 * a)]
}

export class Plane {
  constructor(kind, canvas) {
    this.kind = kind
    this.of = planes[kind]
    this.canvas = canvas
    this.buffer = document.createElement('canvas') // of the slice's own size
  }

  // lay computes where the slice lies on the canvas, with a scale that is the same in all planes.
  lay(image, extent) {
    const ratio = window.devicePixelRatio || 1
    const side = Math.max(1, Math.round(this.canvas.clientWidth * ratio)), high = Math.max(1, Math.round(this.canvas.clientHeight * ratio))
    if (this.canvas.width !== side || this.canvas.height !== high) {
      this.canvas.width = side
      this.canvas.height = high
    }
    const [c, r] = [this.of.columns, this.of.rows]
    const scale = Math.min(side, high) / extent
    this.step = [scale * image.spacing[c], scale * image.spacing[r]]
    this.size = [image.size[c], image.size[r]]
    this.from = [(side - this.step[0] * this.size[0]) / 2, (high - this.step[1] * this.size[1]) / 2]
    this.ratio = ratio
  }

  // pixel is the place of a voxel's index on the rows and columns of the slice.
  row(index) { return this.of.down > 0 ? index : this.size[1] - 1 - index }

  // at is the column and the index of rows under a point of the canvas, in CSS pixels.
  at(x, y) {
    const column = Math.floor((x * this.ratio - this.from[0]) / this.step[0])
    const row = Math.floor((y * this.ratio - this.from[1]) / this.step[1])
    return [Math.min(Math.max(column, 0), this.size[0] - 1), this.row(Math.min(Math.max(row, 0), this.size[1] - 1))]
  }

  // paint draws a slice: grey, heat, outline, crosshair.
  paint({ grey, map, mask }, image, view) {
    const [w, h] = this.size, g = this.canvas.getContext('2d')
    g.setTransform(1, 0, 0, 1, 0, 0)
    g.fillStyle = '#000'
    g.fillRect(0, 0, this.canvas.width, this.canvas.height)
    if (!grey || grey.length !== w * h) return
    this.buffer.width = w
    this.buffer.height = h
    const b = this.buffer.getContext('2d'), data = b.createImageData(w, h), out = data.data
    const low = view.level - view.window / 2, slope = 255 * image.slope / view.window, base = 255 * (image.intercept - low) / view.window
    for (let i = 0; i < grey.length; i++) {
      const v = Math.min(255, Math.max(0, base + slope * grey[i]))
      let [red, green, blue] = [v, v, v]
      if (map && map[i]) {
        const share = map[i] / 127, [hr, hg, hb] = heat(share, view.signed)
        const alpha = view.opacity * Math.min(1, 0.15 + 1.1 * Math.abs(share))
        red += alpha * (hr - red)
        green += alpha * (hg - green)
        blue += alpha * (hb - blue)
      }
      out[4 * i] = red
      out[4 * i + 1] = green
      out[4 * i + 2] = blue
      out[4 * i + 3] = 255
    }
    b.putImageData(data, 0, 0)
    g.imageSmoothingEnabled = view.smooth
    g.drawImage(this.buffer, this.from[0], this.from[1], w * this.step[0], h * this.step[1])
    if (mask && view.outline) this.outline(g, mask, w, h)
    if (view.cross) this.crosshair(g, view.at)
    this.letters(g)
  }

  // outline draws the border between voxels of the region and the others.
  outline(g, mask, w, h) {
    const [sx, sy] = this.step, [x0, y0] = this.from
    g.beginPath()
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        if (!mask[y * w + x]) continue
        const left = x0 + x * sx, top = y0 + y * sy, right = left + sx, bottom = top + sy
        if (x === 0 || !mask[y * w + x - 1]) { g.moveTo(left, top); g.lineTo(left, bottom) }
        if (x === w - 1 || !mask[y * w + x + 1]) { g.moveTo(right, top); g.lineTo(right, bottom) }
        if (y === 0 || !mask[(y - 1) * w + x]) { g.moveTo(left, top); g.lineTo(right, top) }
        if (y === h - 1 || !mask[(y + 1) * w + x]) { g.moveTo(left, bottom); g.lineTo(right, bottom) }
      }
    }
    g.lineWidth = 1.5 * this.ratio
    g.strokeStyle = '#45e0c0'
    g.stroke()
  }

  crosshair(g, at) {
    const x = this.from[0] + (at[this.of.columns] + 0.5) * this.step[0], y = this.from[1] + (this.row(at[this.of.rows]) + 0.5) * this.step[1]
    const gap = 7 * this.ratio
    g.beginPath()
    for (const [a, b, c, d] of [[0, y, x - gap, y], [x + gap, y, this.canvas.width, y], [x, 0, x, y - gap], [x, y + gap, x, this.canvas.height]]) { g.moveTo(a, b); g.lineTo(c, d) }
    g.lineWidth = this.ratio
    g.strokeStyle = 'rgba(255, 214, 90, .75)'
    g.stroke()
  }

  // letters say where the patient's sides are.
  letters(g) {
    const [left, right, top, bottom] = this.of.edges, w = this.canvas.width, h = this.canvas.height, m = 5 * this.ratio
    g.font = `600 ${13 * this.ratio}px system-ui, sans-serif`
    g.fillStyle = '#fff'
    g.strokeStyle = 'rgba(0, 0, 0, .8)'
    g.lineWidth = 3 * this.ratio
    for (const [text, x, y, align, base] of [[left, m, h / 2, 'left', 'middle'], [right, w - m, h / 2, 'right', 'middle'], [top, w / 2, m, 'center', 'top'], [bottom, w / 2, h - m, 'center', 'bottom']]) {
      g.textAlign = align
      g.textBaseline = base
      g.strokeText(text, x, y)
      g.fillText(text, x, y)
    }
  }
}
