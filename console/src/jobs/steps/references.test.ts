import { describe, expect, test } from 'vitest'
import type { Step } from '../draft'
import { insertStep, moveStep, references, removeStep } from './references'

const step = (config: Record<string, unknown>): Step => ({ step_type: 'remote.upload', config })

describe('references to earlier steps', () => {
  test('are found as whole values, in texts and deep inside', () => {
    const found = references({
      local_path: 'context:1.downloaded_files',
      remote_path: 'in/{{context:2.name}}/{{date:yyyy}}/{{context:12.name}}',
      deep: [{ x: 'context:4.files' }],
      plain: 'no context:1.name here, and {{{{context:3.name}} is meant as it stands',
    })
    expect(found).toEqual([
      { step: 1, output: 'downloaded_files' },
      { step: 2, output: 'name' },
      { step: 12, output: 'name' },
      { step: 4, output: 'files' },
    ])
  })

  const three = [
    step({ id: 'a' }),
    step({ id: 'b', local_path: 'context:1.files' }),
    step({ id: 'c', local_path: '{{context:1.name}}-{{context:2.name}}' }),
  ]

  test('follow a step that is moved', () => {
    expect(moveStep(three, 1, 0).map(({ config }) => config)).toEqual([
      { id: 'b', local_path: 'context:2.files' },
      { id: 'a' },
      { id: 'c', local_path: '{{context:2.name}}-{{context:1.name}}' },
    ])
  })

  test('to a step that is removed are seen to be gone', () => {
    expect(removeStep(three, 0).map(({ config }) => config)).toEqual([
      { id: 'b', local_path: 'context:?.files' },
      { id: 'c', local_path: '{{context:?.name}}-{{context:1.name}}' },
    ])
  })

  test('make room for a step that is added', () => {
    const more = insertStep(three, 1, step({ id: 'new' }))
    expect(more[2]?.config).toEqual({ id: 'b', local_path: 'context:1.files' })
    expect(more[3]?.config).toEqual({ id: 'c', local_path: '{{context:1.name}}-{{context:3.name}}' })
  })
})
