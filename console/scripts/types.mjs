// Writes src/api/schema.ts from the OpenAPI document that is reviewed with the server's tests; with --check, only says
// whether it is as it would be written.
import { readFileSync, writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'

const from = new URL('../../crates/courier-server/tests/it/snapshots/openapi.snap', import.meta.url)
const to = new URL('../src/api/schema.ts', import.meta.url)
const command = 'npm run types'

const snapshot = readFileSync(from, 'utf8')
// A snapshot is a few lines about itself between two lines of dashes, and then the document.
const document = JSON.parse(snapshot.slice(snapshot.indexOf('\n---\n', 3) + 5))
const types = `// Made from the API's OpenAPI document by \`${command}\`.\n\n${astToString(await openapiTS(document))}`

if (!process.argv.includes('--check')) {
  writeFileSync(to, types)
} else if (readFileSync(to, 'utf8') !== types) {
  process.stderr.write(`src/api/schema.ts is not what the OpenAPI document says: run \`${command}\` in console/\n`)
  process.exit(1)
}
