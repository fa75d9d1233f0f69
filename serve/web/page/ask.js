// Requests to the server that the page came from. The key is held in memory and goes nowhere else.
import { by } from './dom.js'

export class Refused extends Error {
  constructor(answer, status) {
    super([answer.detail || answer.title || 'the server answered ' + status, ...(answer.errors || []).map(e => `${e.pointer}: ${e.detail}`), answer.id ? `id ${answer.id}` : ''].filter(Boolean).join(' · '))
    this.status = status
    this.detail = answer.detail
  }
}

export function headers() {
  return by('key').value ? { 'X-API-Key': by('key').value } : {}
}

// answered returns a response's JSON, or throws what a problem says.
async function answered(r) {
  let answer = {}
  try {
    answer = await r.json()
  } catch { /* a proxy's page, or nothing */ }
  if (r.ok) return answer
  if (r.status === 401) by('keyed').hidden = false
  throw new Refused(answer, r.status)
}

async function send(path, options) {
  try {
    return await fetch(path, options)
  } catch (e) {
    if (e.name === 'AbortError') throw e
    throw new Error('the server cannot be reached')
  }
}

// ask sends JSON, or asks for something where there is none to send.
export async function ask(path, body, options = {}) {
  const h = headers()
  if (body) h['Content-Type'] = 'application/json'
  return answered(await send(path, { method: body ? 'POST' : 'GET', headers: h, body: body && JSON.stringify(body), ...options }))
}

// drop sends a DELETE.
export async function drop(path) {
  const r = await send(path, { method: 'DELETE', headers: headers() })
  if (!r.ok) throw new Refused(await r.json().catch(() => ({})), r.status)
}

// bytes fetches what is not JSON.
export async function bytes(path) {
  const r = await send(path, { headers: headers() })
  if (!r.ok) throw new Refused(await r.json().catch(() => ({})), r.status)
  return r.arrayBuffer()
}

// upload sends a form and tells how much of it is sent. stop(f) is given what breaks it off.
export function upload(path, form, progress, stop) {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest()
    x.open('POST', path)
    for (const [k, v] of Object.entries(headers())) x.setRequestHeader(k, v)
    x.responseType = 'json'
    x.upload.addEventListener('progress', e => e.lengthComputable && progress(e.loaded / e.total))
    x.addEventListener('load', () => {
      if (x.status === 401) by('keyed').hidden = false
      if (x.status >= 200 && x.status < 300) resolve([x.status, x.response])
      else reject(new Refused(x.response || {}, x.status))
    })
    x.addEventListener('error', () => reject(new Error('the upload was broken off by the server or the network')))
    x.addEventListener('abort', () => reject(new Error('stopped')))
    stop(() => x.abort())
    x.send(form)
  })
}
