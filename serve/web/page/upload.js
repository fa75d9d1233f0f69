// Files that are dropped on the page become a study: what each is sent as, how far the work is, and the result.
import { ask, drop, upload } from './ask.js'
import { by, doing, el } from './dom.js'
import { session } from './session.js'
import { load } from './worklist.js'

let parts = [] // {name, files, as}
let stop = null

// roles are what files can be sent as, for the chosen model.
function roles() {
  const sources = session.model.images || []
  const out = ['image', 'mask']
  if (sources.length > 1) for (const s of sources) out.push('image.' + s.name, 'mask.' + s.name)
  return [...out, 'features', 'table', 'expression', 'leave out']
}

// guess is what a file most likely is, by its name.
function guess(name) {
  const n = name.toLowerCase()
  const masked = /(^|[^a-z])(mask|seg|segmentation|label|labels|roi|rtstruct|contour)([^a-z]|$)/.test(n)
  if (n.endsWith('.json')) return 'features'
  if (/\.(csv|tsv|txt)$/.test(n)) return /expr|rna|gene|tpm|count/.test(n) ? 'expression' : 'table'
  let kind = masked ? 'mask' : 'image'
  const sources = session.model.images || []
  if (sources.length > 1) {
    const of = sources.find(s => n.includes(s.name.toLowerCase()))
    if (of) kind += '.' + of.name
  }
  return kind
}

// take groups files: slices of a folder are one line.
function take(files) {
  const groups = new Map()
  for (const [file, folder] of files) {
    if (/^\.|dicomdir$/i.test(file.name)) continue
    const slices = folder && !/\.(nii|nii\.gz|nrrd|nhdr|csv|tsv|json|zip|hdr|img)$/i.test(file.name)
    const at = slices ? folder + '/' : file.name
    groups.set(at, [...(groups.get(at) || []), file])
  }
  for (const [name, list] of groups) parts.push({ name, files: list, as: guess(name) })
  list()
}

function size(n) {
  for (const [by, unit] of [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']]) if (n >= by) return `${(n / by).toPrecision(3)} ${unit}`
  return `${n} B`
}

function list() {
  by('sending').hidden = parts.length === 0
  by('parts').replaceChildren(...parts.map(p => {
    const pick = el('select', { 'aria-label': `${p.name} is sent as` }, ...roles().map(r => el('option', { text: r })))
    pick.value = roles().includes(p.as) ? p.as : 'leave out'
    p.as = pick.value
    pick.addEventListener('change', () => { p.as = pick.value })
    return el('tr', {}, el('th', { scope: 'row', text: p.files.length > 1 ? `${p.name} (${p.files.length} files)` : p.name }), el('td', { 'data-label': 'Size', text: size(p.files.reduce((n, f) => n + f.size, 0)) }), el('td', { 'data-label': 'Sent as' }, pick))
  }))
}

// walk reads a dropped folder.
async function walk(entry, folder, out) {
  if (entry.isFile) {
    out.push([await new Promise((ok, no) => entry.file(ok, no)), folder])
  } else if (entry.isDirectory) {
    const reader = entry.createReader()
    for (;;) {
      const some = await new Promise((ok, no) => reader.readEntries(ok, no))
      if (some.length === 0) break
      for (const e of some) await walk(e, folder ? folder + '/' + entry.name : entry.name, out)
    }
  }
}

async function dropped(e) {
  e.preventDefault()
  by('drop').classList.remove('over')
  const entries = [...e.dataTransfer.items].map(i => i.webkitGetAsEntry?.()).filter(Boolean) // before anything waits: the list is emptied then
  const plain = [...e.dataTransfer.files]
  const out = []
  if (entries.length) for (const entry of entries) await walk(entry, '', out)
  else for (const f of plain) out.push([f, ''])
  take(out)
}

// send sends the study, follows the job and shows the result.
async function send() {
  const model = session.model, sent = parts.filter(p => p.as !== 'leave out')
  if (!sent.length) throw new Error('no file is chosen to be sent')
  const form = new FormData()
  for (const name of ['patient', 'issuer']) if (by('send-' + name).value.trim()) form.append(name, by('send-' + name).value.trim())
  if (by('send-prepared').checked) form.append('prepared', (model.images || []).map(s => s.name).join(','))
  for (const p of sent) {
    for (const f of p.files) {
      // Names of files stay here: they often name a patient.
      if (['features', 'table', 'expression'].includes(p.as)) form.append(p.as, await f.text())
      else form.append(p.as, f, 'file')
    }
  }
  const name = sent.map(p => p.name).join(', ')
  show(true)
  try {
    const [status, body] = await upload(`v1/models/${encodeURIComponent(model.name)}/studies`, form, share => stage('sending', share * 0.5), f => { stop = f })
    const answer = status === 202 ? await follow(body) : body
    stage('done', 1)
    parts = []
    list()
    by('files').value = ''
    if (answer.result) {
      session.names.set(answer.result, name)
      location.hash = 'result/' + answer.result
    } else {
      const n = String(session.answers.size + 1)
      session.answers.set(n, { answer, name })
      location.hash = 'answer/' + n
    }
  } catch (e) {
    await load().catch(() => {}) // the worklist may say more: that it needs a mask
    throw e
  } finally {
    show(false)
  }
}

// follow asks for a job until it ends.
async function follow(job) {
  stop = () => drop('v1/jobs/' + encodeURIComponent(job.job)).catch(() => {})
  for (;;) {
    stage(job.stage || 'waiting for its turn', 0.5 + 0.5 * job.progress)
    if (job.status === 'done') return job.answer
    if (job.status === 'failed') throw new Error(job.problem?.detail || 'the study failed')
    await new Promise(f => setTimeout(f, 700))
    job = await ask('v1/jobs/' + encodeURIComponent(job.job))
  }
}

function show(on) {
  by('job').hidden = !on
  by('send').disabled = on
}

function stage(text, share) {
  by('job-stage').textContent = text
  by('job-bar').value = share
}

// keeping says what happens to images here.
export function keeping() {
  by('keeping').textContent = session.keep > 0 ? `Images can be looked at for ${Math.round(session.keep / 60)} min after the prediction, in the server's memory alone, and are then removed.`
    : 'This server keeps no images after the prediction (studies.keep_images), so the scan cannot be shown with the result.'
  const sources = session.model?.images || []
  by('upload').hidden = sources.length === 0
  list()
}

export function start() {
  const area = by('drop')
  for (const t of ['dragenter', 'dragover']) area.addEventListener(t, e => { e.preventDefault(); area.classList.add('over') })
  area.addEventListener('dragleave', () => area.classList.remove('over'))
  area.addEventListener('drop', e => doing('Reading the files…', () => dropped(e)))
  // A file dropped beside the area would be opened in place of the page.
  for (const t of ['dragover', 'drop']) window.addEventListener(t, e => e.preventDefault())
  by('files').addEventListener('change', () => take([...by('files').files].map(f => [f, f.webkitRelativePath ? f.webkitRelativePath.split('/')[0] : ''])))
  by('send').addEventListener('click', () => doing('Predicting…', send))
  by('unsend').addEventListener('click', () => { parts = []; by('files').value = ''; list() })
  by('job-stop').addEventListener('click', () => stop?.())
}
