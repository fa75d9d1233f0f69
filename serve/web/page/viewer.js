// The scan in three planes, with the region, heat maps, grey levels and a crosshair that links the planes.
import { ask, drop } from './ask.js'
import { clock, digits, doing, el } from './dom.js'
import { ends, Plane, planes } from './plane.js'
import { Slices } from './slices.js'

let open = null // what is looked at

// Grey levels of CT that radiologists use, in HU: window and level.
const presets = { 'Soft tissue': [400, 40], Lung: [1500, -600], Bone: [1800, 400], Brain: [80, 40], Liver: [150, 60] }

// close ends looking.
export function close() {
  if (!open) return
  clearTimeout(open.timer)
  open.slices.forget()
  open.place.replaceChildren()
  open.place.hidden = true
  open = null
}

export function redraw() {
  if (open) draw()
}

// look shows a scan in a place; gone is called where it is not there any more.
export async function look(place, id, gone) {
  let scan
  try {
    scan = await ask('v1/scans/' + encodeURIComponent(id))
  } catch (e) {
    if (e.status !== 410) throw e
    gone()
    return
  }
  open = { place, scan, gone, slices: new Slices(id), number: 0, opacity: 0.6, outline: true, cross: true, smooth: true, planes: {}, asked: {} }
  open.timer = setTimeout(() => over(), Math.max(0, Date.parse(scan.until) - Date.now()))
  place.hidden = false
  frame()
  choose(0)
}

// over takes the images off the page when the server has removed them.
function over(text = 'The images were removed from the server and from this page.') {
  const { place } = open
  close()
  place.hidden = false
  place.append(el('p', { class: 'quiet', text }))
}

const image = () => open.scan.images[open.number]
const maps = () => image().layers.map((l, i) => ({ ...l, i })).filter(l => l.kind === 'map')

// middle is that of the region, or of the largest lesion: between lesions there is nothing to see.
const middle = () => image().lesions?.length > 1 ? image().lesions[0].centre : image().centre

// choose takes an image of the scan, and looks at the middle of its region.
function choose(n) {
  open.number = n
  const im = image()
  open.at = [...middle()]
  open.window = im.window[1] - im.window[0]
  open.level = (im.window[0] + im.window[1]) / 2
  open.map = maps()[0]?.i ?? -1
  tools()
  draw()
}

// seek looks at the middle of a lesion, where a scan that has it is shown.
export function seek(name) {
  if (!open) return
  const has = im => im.lesions?.find(l => l.lesion === name)
  if (!has(image())) {
    const n = open.scan.images.findIndex(has)
    if (n < 0) return
    choose(n)
  }
  open.at = [...has(image()).centre]
  if (open.map >= 0) open.map = maps().find(l => l.lesion === name && l.outcome === image().layers[open.map].outcome)?.i ?? maps().find(l => l.lesion === name)?.i ?? open.map
  tools()
  draw()
}

// frame lays out the planes.
function frame() {
  const { place } = open
  const panels = Object.entries(planes).map(([kind, p]) => {
    const canvas = el('canvas', { tabindex: '0', role: 'img', 'aria-describedby': 'viewer-keys' })
    const slider = el('input', { type: 'range', min: '0', step: '1', 'aria-label': `Slice, ${p.name.toLowerCase()}` })
    const text = el('output', {})
    const plane = new Plane(kind, canvas)
    open.planes[kind] = { plane, slider, text, canvas }
    slider.addEventListener('input', () => go(p.across, Number(slider.value)))
    canvas.addEventListener('keydown', e => keys(e, p))
    canvas.addEventListener('wheel', e => { e.preventDefault(); move(p.across, e.deltaY > 0 ? -1 : 1) }, { passive: false })
    pointing(canvas, plane, p)
    return el('div', { class: 'plane ' + kind }, el('div', { class: 'plane-head' }, el('strong', { text: p.name }), text), canvas, slider)
  })
  const which = el('div', { class: 'which', role: 'group', 'aria-label': 'Plane' }, ...Object.entries(planes).map(([kind, p]) => el('button', { type: 'button', class: 'chip', 'aria-pressed': String(kind === 'axial'), onclick: e => {
    area.dataset.plane = kind
    for (const b of which.children) b.setAttribute('aria-pressed', String(b === e.target))
    draw()
  } }, p.name)))
  const area = el('div', { class: 'planes', 'data-plane': 'axial' }, ...panels)
  place.replaceChildren(el('section', { class: 'viewer', 'aria-label': 'Scan' }, el('div', { id: 'viewer-tools', class: 'tools' }), which, area, el('div', { id: 'viewer-said', class: 'said-line' }),
    el('p', { id: 'viewer-keys', class: 'quiet keys', text: 'Keys in a plane: arrows move the crosshair, Page Up and Page Down change the slice (with Shift by ten), Home goes to the region. Pointer: drag to move, wheel to change the slice, Shift and drag for grey levels.' })))
}

// pointing moves the crosshair, and with Shift or the right button the grey levels.
function pointing(canvas, plane, p) {
  let levels = null
  const to = e => {
    const box = canvas.getBoundingClientRect()
    const [column, row] = plane.at(e.clientX - box.left, e.clientY - box.top)
    open.at[p.columns] = column
    open.at[p.rows] = row
    draw()
  }
  canvas.addEventListener('contextmenu', e => e.preventDefault())
  canvas.addEventListener('pointerdown', e => {
    canvas.setPointerCapture(e.pointerId)
    canvas.focus({ preventScroll: true })
    if (e.shiftKey || e.button === 2) levels = [e.clientX, e.clientY, open.window, open.level]
    else to(e)
  })
  canvas.addEventListener('pointermove', e => {
    if (!open || !canvas.hasPointerCapture(e.pointerId)) return
    if (!levels) return to(e)
    const range = image().window[1] - image().window[0]
    grey(levels[2] + range * (e.clientX - levels[0]) / 300, levels[3] - range * (e.clientY - levels[1]) / 300)
  })
  for (const t of ['pointerup', 'pointercancel']) canvas.addEventListener(t, () => { levels = null })
}

function keys(e, p) {
  const by = e.shiftKey ? 10 : 1
  const moves = { ArrowLeft: [p.columns, -1], ArrowRight: [p.columns, 1], ArrowUp: [p.rows, -p.down], ArrowDown: [p.rows, p.down], PageUp: [p.across, 1], PageDown: [p.across, -1] }
  if (moves[e.key]) move(moves[e.key][0], by * moves[e.key][1])
  else if (e.key === 'Home') { open.at = [...middle()]; draw() } else return
  e.preventDefault()
}

const move = (axis, by) => go(axis, open.at[axis] + by)

function go(axis, to) {
  open.at[axis] = Math.min(Math.max(to, 0), image().size[axis] - 1)
  draw()
}

// grey sets window and level.
function grey(window, level) {
  const im = image(), range = im.slope * 65535
  open.window = Math.min(Math.max(window, range / 65535), 2 * range)
  open.level = Math.min(Math.max(level, im.intercept), im.intercept + range)
  levels()
  draw()
}

let levels = () => {}

// tools are the controls over the planes.
function tools() {
  const im = image(), place = open.place.querySelector('#viewer-tools')
  const out = []
  if (open.scan.images.length > 1) {
    const pick = el('select', {}, ...open.scan.images.map((m, i) => el('option', { value: i, text: m.source })))
    pick.value = open.number
    pick.addEventListener('change', () => choose(Number(pick.value)))
    out.push(el('label', {}, 'Image ', pick))
  }
  if (im.lesions?.length > 1) {
    const pick = el('select', { id: 'viewer-lesion' }, el('option', { value: '', text: 'all' }), ...im.lesions.map(l => el('option', { value: l.lesion, text: l.lesion })))
    pick.value = im.lesions.find(l => l.centre.every((n, a) => n === open.at[a]))?.lesion ?? ''
    pick.addEventListener('change', () => { if (pick.value) seek(pick.value); else { open.at = [...im.centre]; draw() } })
    out.push(el('label', {}, 'Look at lesion ', pick))
  }
  const layers = el('select', { id: 'viewer-map' }, el('option', { value: -1, text: 'none' }), ...maps().map(l => el('option', { value: l.i, text: l.title })))
  layers.value = open.map
  layers.addEventListener('change', () => { open.map = Number(layers.value); draw() })
  if (maps().length) out.push(el('label', {}, 'Heat map ', layers))
  const opacity = el('input', { type: 'range', min: '0', max: '100', value: Math.round(100 * open.opacity), id: 'viewer-opacity' })
  opacity.addEventListener('input', () => { open.opacity = opacity.value / 100; draw() })
  if (maps().length) out.push(el('label', {}, 'Opacity ', opacity))
  for (const [key, text] of [['outline', 'Region'], ['cross', 'Crosshair'], ['smooth', 'Smooth']]) {
    const box = el('input', { type: 'checkbox' })
    box.checked = open[key]
    box.addEventListener('change', () => { open[key] = box.checked; draw() })
    out.push(el('label', { class: 'tick' }, box, ' ', text))
  }
  const fields = ['window', 'level'].map(key => {
    const field = el('input', { type: 'number', step: 'any', size: '7', id: 'viewer-' + key })
    field.addEventListener('change', () => Number.isFinite(field.valueAsNumber) && grey(key === 'window' ? field.valueAsNumber : open.window, key === 'level' ? field.valueAsNumber : open.level))
    return [key, field]
  })
  levels = () => { for (const [key, field] of fields) field.value = Number(open[key].toPrecision(4)) }
  levels()
  out.push(...fields.map(([key, field]) => el('label', {}, key[0].toUpperCase() + key.slice(1) + ' ', field)))
  if (im.modality === 'CT') {
    const pick = el('select', {}, el('option', { text: 'as scanned' }), ...Object.keys(presets).map(k => el('option', { text: k })))
    pick.addEventListener('change', () => presets[pick.value] ? grey(...presets[pick.value]) : grey(im.window[1] - im.window[0], (im.window[0] + im.window[1]) / 2))
    out.push(el('label', {}, 'Grey levels ', pick))
  }
  out.push(el('button', { type: 'button', onclick: () => { open.at = [...middle()]; grey(im.window[1] - im.window[0], (im.window[0] + im.window[1]) / 2) } }, 'Reset'))
  out.push(el('button', { type: 'button', onclick: () => doing('…', async () => { await drop('v1/scans/' + encodeURIComponent(open.scan.scan)); over() }) }, 'Remove images now'))
  place.replaceChildren(...out)
}

// draw shows all planes as they stand. Slices that are not here yet are fetched, and what was asked for since wins.
function draw() {
  const im = image(), extent = Math.max(...im.size.map((n, a) => n * im.spacing[a]))
  const map = open.map
  for (const [kind, { plane, slider, text, canvas }] of Object.entries(open.planes)) {
    const p = planes[kind], slice = open.at[p.across]
    slider.max = im.size[p.across] - 1
    slider.value = slice
    const from = ends[p.across]
    slider.setAttribute('aria-valuetext', `${slice + 1} of ${im.size[p.across]}, from ${from[0]} to ${from[1]}`)
    text.textContent = `${slice + 1} / ${im.size[p.across]}`
    canvas.setAttribute('aria-label', `${p.name} slice ${slice + 1} of ${im.size[p.across]} of ${im.source}`)
    if (canvas.clientWidth === 0) continue // a plane that is not shown
    plane.lay(im, extent)
    const asked = open.asked[kind] = {}, at = open
    const mask = im.layers.findIndex(l => l.kind === 'mask')
    const wanted = [open.slices.get(open.number, 'image', kind, slice), map >= 0 ? open.slices.get(open.number, map, kind, slice) : null, mask >= 0 ? open.slices.get(open.number, mask, kind, slice) : null]
    Promise.all(wanted).then(([grey, heat, outline]) => {
      if (open !== at || at.asked[kind] !== asked) return
      plane.paint({ grey, map: heat, mask: outline }, im, { window: at.window, level: at.level, opacity: at.opacity, outline: at.outline, cross: at.cross, smooth: at.smooth, at: at.at, signed: im.layers[map]?.signed })
      canvas.dataset.painted = `${kind} ${slice} ${map}`
      if (kind === 'axial' || !canvas.closest('.planes').querySelector('.axial canvas').clientWidth) said(grey, plane)
      for (const near of [slice + 1, slice - 1]) if (near >= 0 && near < im.size[p.across]) at.slices.get(at.number, 'image', kind, near).catch(() => {})
    }).catch(e => {
      if (open !== at) return
      if (e.status === 410) over()
      else doing('', () => { throw e })
    })
  }
}

// said says where the crosshair is, what is there, and how the map is to be read.
function said(grey, plane) {
  const im = image(), p = plane.of
  const v = im.intercept + im.slope * grey[plane.row(open.at[p.rows]) * plane.size[0] + open.at[p.columns]]
  const unit = im.modality === 'CT' ? ' HU' : ''
  const layer = im.layers[open.map]
  const facts = [`Voxel ${open.at.map(n => n + 1).join(', ')}: ${digits(v)}${unit}`, `voxels of ${im.spacing.map(s => Number(s.toPrecision(3))).join(' × ')} mm`]
  if (im.averaged.some(n => n > 1)) facts.push(`averages of ${im.averaged.join(' × ')} voxels of the scan`)
  if (im.cropped) facts.push('cut to the surroundings of the region')
  if (im.oblique > 1) facts.push(`the scan is turned by ${Math.round(im.oblique)}° against the patient's axes`)
  facts.push(`images are removed at ${clock(open.scan.until)}`)
  const out = [el('p', { class: 'quiet', text: facts.join(' · ') })]
  if (layer) {
    const scale = el('span', { class: layer.signed ? 'scale both' : 'scale', 'aria-hidden': 'true' })
    out.unshift(el('p', { class: 'map-said' }, el('strong', { text: layer.title }), layer.feature ? el('span', { class: 'quiet', text: ` contributed to the estimate of ${layer.outcome}` }) : '', ' ',
      el('span', { text: layer.signed ? digits(-layer.most) : '0' }), scale, el('span', { text: digits(layer.most) }), el('span', { class: 'note', text: ' ' + (layer.note || '') })))
  }
  open.place.querySelector('#viewer-said').replaceChildren(...out)
}
