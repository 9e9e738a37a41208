import { describe, expect, test } from 'vitest'
import { emptyDraft } from '../draft'
import { type Language, lineOf, parsed, written } from './parse'

const draft = {
  ...emptyDraft,
  name: 'orders',
  steps: [
    { step_type: 'remote.list', config: { connection_id: 'x', remote_path: '/in' } },
    { step_type: 'remote.delete', config: { remote_path: 'context:1.files' } },
  ],
  schedules: [{ cron: '*/15 * * * *', timezone: 'UTC', missed: 'once' as const }],
}

describe.each(['json', 'yaml'] as Language[])('a job as %s', (language) => {
  test('is the same job when it is read again', () => {
    expect(parsed(written(draft, language), language)).toEqual({ draft })
  })

  test('shows where a field is, and where one would be that isn’t there', () => {
    const text = written(draft, language)
    const lines = text.split('\n')
    expect(lines[lineOf(text, 'steps[1].config.remote_path') - 1]).toContain('context:1.files')
    expect(lines[lineOf(text, 'steps[0].config.pattern') - 1]).toMatch(/config|connection_id/)
    expect(lines[lineOf(text, 'name') - 1]).toContain('orders')
    expect(lineOf(text, 'nothing')).toBe(1)
  })

  test('that has no steps to show is refused with the line', () => {
    expect(parsed(language === 'json' ? '{"name": "x",\n"steps": 5}' : 'name: x\nsteps: 5', language)).toEqual({
      wrong: { line: 2, message: 'The steps are a list of objects.' },
    })
  })
})

test('a name that YAML takes for a number is refused with the line', () => {
  expect(parsed('steps: []\nname: 2024', 'yaml')).toMatchObject({ wrong: { line: 2 } })
  expect(parsed('steps: []\nname: "2024"', 'yaml')).toMatchObject({ draft: { name: '2024' } })
})

test('what is no YAML is refused with the line', () => {
  expect(parsed('name: x\nsteps: [', 'yaml')).toMatchObject({ wrong: { line: 2 } })
})

test('what is no JSON is refused with the line', () => {
  expect(parsed('{\n  "name": "x",\n  "steps" []\n}', 'json')).toMatchObject({ wrong: { line: 3 } })
})
