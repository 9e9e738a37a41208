#!/usr/bin/env node
// What a browser loads before the first page is there, compressed: everything that index.html names.
import { readFileSync, statSync } from 'node:fs'

const LIMIT = 300_000

const dist = new URL('../dist/', import.meta.url)
const page = readFileSync(new URL('index.html', dist), 'utf8')
const named = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, path]) => path)
const sizes = named.map((path) => ({ path, bytes: statSync(new URL(`${path}.br`, dist)).size }))
const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`

process.stdout.write(`first load: ${kilobytes(total)} of ${kilobytes(LIMIT)}, compressed\n`)
if (named.length === 0 || total > LIMIT) {
  for (const { path, bytes } of sizes) process.stderr.write(`  ${path}  ${kilobytes(bytes)}\n`)
  process.stderr.write('Too much. What only one page needs is imported by that page, heavy libraries by `import()`.\n')
  process.exit(1)
}
