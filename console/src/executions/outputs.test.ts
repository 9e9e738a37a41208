import { describe, expect, it } from 'vitest'
import { outputsOf, pullInWords, troublesOf } from './outputs'

describe('what a step gave', () => {
  it('is what begins with its number', () => {
    expect(outputsOf({ '1.count': 2, '10.count': 3, '1.files': [] }, 1)).toEqual({ count: 2, files: [] })
    expect(outputsOf(undefined, 1)).toEqual({})
  })

  it('tells of files that failed and of warnings', () => {
    const state = {
      files: [
        { remote_path: '/a', completed: true },
        { remote_path: '/b', error: { kind: 'denied', message: 'no' } },
        { remote_path: '/c', warning: 'is kept' },
      ],
    }
    expect(troublesOf({ transfer_state: state })).toEqual([
      { path: '/b', message: 'no', failed: true },
      { path: '/c', message: 'is kept', failed: false },
    ])
    expect(troublesOf({ transfer_state: { remote_path: '/x', warning: 'w' } })).toHaveLength(1)
    expect(troublesOf({ warnings: ['w'], failed: 0 })).toEqual([{ path: '', message: 'w', failed: false }])
  })

  it('counts what a pull found', () => {
    expect(pullInWords({ pulled: 2, known: 14, waiting: 0, failed: 1 })).toBe('2 pulled, 1 failed, 14 known already')
    expect(pullInWords({ pulled: 0, known: 0 })).toBe('0 pulled')
    expect(pullInWords({ count: 1 })).toBeUndefined()
  })
})
