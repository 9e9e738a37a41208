import { expect, it } from 'vitest'
import { fieldWords } from './fieldWords'

it('names fields as people do', () => {
  expect(fieldWords('steps[1].config.remote_path')).toBe('Step 2, remote path')
  expect(fieldWords('schedules[0].cron')).toBe('Schedule 1, cron')
  expect(fieldWords('name')).toBe('Name')
  expect(fieldWords('steps')).toBe('Steps')
})
