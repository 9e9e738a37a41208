#!/usr/bin/env node
// Which licences the console's packages may have. The lock file tells what each is under; `deny.toml` rules the crates.
import { readFileSync } from 'node:fs'

/** Of what is in the bundle, and so handed on: permissive ones only. */
const bundled = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'ISC', 'MIT']
/** Of what only builds and checks it, besides. */
const tools = {
  'MPL-2.0': ['axe-core', /^lightningcss/],
  'Python-2.0': ['argparse'],
}

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'))
const wrong = []
for (const [path, { dev, license = 'none that it tells' }] of Object.entries(lock.packages)) {
  if (path === '') continue
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const choices = license.replace(/[()]/g, '').split(' OR ')
  const isTool = (choice) =>
    dev && tools[choice]?.some((known) => (typeof known === 'string' ? known === name : known.test(name)))
  if (!choices.some((choice) => bundled.includes(choice) || isTool(choice))) wrong.push(`${name}: ${license}`)
}
if (wrong.length > 0) {
  process.stderr.write(`console/package-lock.json: licences that console/scripts/licences.mjs doesn't allow:\n`)
  process.stderr.write(`${wrong.join('\n')}\n`)
  process.exit(1)
}
