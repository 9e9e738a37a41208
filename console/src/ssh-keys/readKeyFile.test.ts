import { expect, it } from 'vitest'
import { readKeyFile } from './readKeyFile'

it('keeps text, and gives bytes as base64', async () => {
  expect(await readKeyFile(new Blob(['-----BEGIN']))).toBe('-----BEGIN')
  expect(await readKeyFile(new Blob([new Uint8Array([0x30, 0x82, 0xff])]))).toBe('MIL/')
})
