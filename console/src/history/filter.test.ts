import { describe, expect, it } from 'vitest'
import { asked, searched } from './filter'

describe('what is searched for in a history', () => {
  it('is read by its form', () => {
    expect(searched('invoice')).toEqual({ path: 'invoice' })
    expect(searched('/outbox/')).toEqual({ prefix: '/outbox/' })
    expect(searched('outbox/2026*')).toEqual({ prefix: 'outbox/2026' })
    expect(searched('A'.repeat(64))).toEqual({ sha256: 'a'.repeat(64) })
    expect(searched('  ')).toEqual({})
  })

  it('has only what was said', () => {
    expect(asked({ q: undefined, mapping: 'm' })).toEqual({ mapping_id: 'm' })
  })
})
