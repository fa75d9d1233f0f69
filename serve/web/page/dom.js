// Small pieces of the page. Texts become text nodes and never markup.

export const by = id => document.getElementById(id)

// el makes an element. Properties are attributes, but for class, text and on…; children are elements or texts.
export function el(name, properties = {}, ...children) {
  const e = document.createElement(name)
  for (const [k, v] of Object.entries(properties)) {
    if (v === undefined || v === null || v === false) continue
    if (k === 'text') e.textContent = v
    else if (k === 'class') e.className = v
    else if (k.startsWith('on')) e.addEventListener(k.slice(2), v)
    else e.setAttribute(k, v === true ? '' : v)
  }
  e.append(...children.filter(c => c !== null && c !== undefined && c !== false))
  return e
}

const svgNS = 'http://www.w3.org/2000/svg'

// shape makes an element of SVG.
export function shape(name, attributes = {}, text) {
  const e = document.createElementNS(svgNS, name)
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
  if (text !== undefined) e.textContent = text
  return e
}

// figure makes a drawing with its description for those who do not see it.
export function figure(width, height, label) {
  return shape('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label })
}

// digits is a number with three digits.
export function digits(v) {
  if (v === null || v === undefined || !Number.isFinite(v)) return '–'
  const a = Math.abs(v)
  if (a < 1e-12) return '0'
  if (a < 1e-4 || a >= 1e6) return minus(v.toExponential(2))
  return minus(Number(v.toPrecision(3)).toString())
}

// minus sets a minus sign in place of the hyphen.
export const minus = text => text.replace('-', '−')

// signed is a number with its sign.
export const signed = v => (v > 0 ? '+' : '') + digits(v)

// percent is a share in percent; what is not quite 0 or 1 is not called so.
export function percent(v) {
  if (v === null || v === undefined) return '–'
  if (v > 0 && v < 0.01) return '<1 %'
  if (v < 1 && v > 0.99) return '>99 %'
  return Math.round(100 * v) + ' %'
}

// age says how long ago a time was.
export function age(time, now = Date.now()) {
  const s = Math.max(0, (now - Date.parse(time)) / 1000)
  for (const [n, unit] of [[86400, 'd'], [3600, 'h'], [60, 'min']]) if (s >= n) return `${Math.floor(s / n)} ${unit}`
  return 'now'
}

// clock is the time of day of a time.
export const clock = time => new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })

// moment is a day and a time of day.
export const moment = time => new Date(time).toISOString().slice(0, 16).replace('T', ' ') + ' UTC'

// short is the beginning of an identifier.
export const short = id => id ? id.slice(0, 8) : ''

// cut shortens a text to a number of characters.
export const cut = (text, most) => text.length > most ? text.slice(0, Math.max(1, most - 1)) + '…' : text

// breakable is a name that may be broken after its dots and underscores.
export function breakable(name) {
  return name.split(/(?<=[._])/).flatMap((part, i) => i ? [document.createElement('wbr'), part] : [part])
}

// count is a number of things: one year, two years.
export const count = (v, name) => `${digits(v)} ${v === 1 ? name.replace(/s$/, '') : name}`

// doing runs something and says how it goes.
export async function doing(text, f) {
  const state = by('state')
  state.className = ''
  state.textContent = text
  try {
    await f()
    if (state.textContent === text) state.textContent = ''
  } catch (e) {
    state.className = 'error'
    state.textContent = e.message
  }
}
