// Tables and JSON of features, as files that a person opens. They are read here and stay here until they are sent to be predicted.

// parse reads fields separated by commas or tabs, quoted or not.
export function parse(text) {
  text = text.replace(/^\ufeff/, '')
  const first = text.slice(0, Math.max(0, text.search(/[\r\n]/)))
  const comma = first.includes('\t') ? '\t' : ','
  const out = []
  let row = [], at = 0
  while (at < text.length) {
    let field
    if (text[at] === '"') {
      let end = at + 1
      for (;;) {
        end = text.indexOf('"', end)
        if (end < 0) end = text.length
        if (text[end + 1] !== '"') break
        end += 2
      }
      field = text.slice(at + 1, end).replaceAll('""', '"')
      at = end + 1
      while (at < text.length && text[at] !== comma && text[at] !== '\n' && text[at] !== '\r') at++
    } else {
      let end = at
      while (end < text.length && text[end] !== comma && text[end] !== '\n' && text[end] !== '\r') end++
      field = text.slice(at, end)
      at = end
    }
    row.push(field)
    if (text[at] === comma) {
      at++
      if (at === text.length) row.push('')
      continue
    }
    if (text[at] === '\r') at++
    if (text[at] === '\n') at++
    if (row.length > 1 || row[0] !== '') out.push(row)
    row = []
  }
  return out
}

// patients reads a file into [name, features], where features is a function from a name to its text.
export async function patients(file) {
  const text = await file.text()
  if (/\.json$/i.test(file.name)) {
    const v = JSON.parse(text)
    return (v.patients || (Array.isArray(v) ? v : [v])).map((p, i) => {
      const f = p.features || p
      return [String(p.id ?? i + 1), name => f[name] === null || f[name] === undefined ? undefined : String(f[name])]
    })
  }
  const [header, ...lines] = parse(text)
  if (!header || lines.length === 0) throw new Error(`${file.name}: a table has a header and a row a patient`)
  const column = new Map(header.map((h, i) => [h.trim(), i]))
  return lines.map(l => [l[0], name => l[column.get(name)]])
}

const bare = name => name.slice(name.indexOf('.') + 1)

// ready counts the bare names of a model's inputs: one stands for an input where no other has it.
export function ready(model) {
  model.bare = new Map()
  for (const i of model.inputs) model.bare.set(bare(i.name), (model.bare.get(bare(i.name)) || 0) + 1)
  return model
}

// value is what an input has in a row, by its full name or, where that is of one input alone, its bare one.
export function value(model, input, features) {
  let v = features(input.name)
  if (v === undefined && model.bare.get(bare(input.name)) === 1) v = features(bare(input.name))
  return v === undefined || v === null || /^(na|nan)?$/i.test(v.trim()) ? '' : v.trim()
}

// features are a row's values as a request has them. Numbers that are none are faults.
export function features(model, of) {
  const out = {}
  for (const input of model.inputs) {
    const v = of(input)
    if (v === '' || v === undefined) continue
    out[input.name] = input.levels ? v : Number(v)
    if (!input.levels && !Number.isFinite(out[input.name])) throw new Error(`${input.name}: “${v}” is not a number`)
  }
  return out
}
