import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { expect, it } from 'vitest'
import { forgetDeleted, isBack, isDeleted, isThere, leaveAlone } from './gone'

/** A page that shows a job, and how often it has asked for it. */
function shown(id: string) {
  const client = new QueryClient({ defaultOptions: { queries: { enabled: isThere } } })
  forgetDeleted(client)
  const asked = { times: 0 }
  const queryKey = ['jobs', id]
  const queryFn = () => ({ id, asked: ++asked.times })
  const leave = new QueryObserver(client, { queryKey, queryFn }).subscribe(() => undefined)
  return { client, asked, queryKey, leave }
}

it('asks no more for what is being deleted, and forgets it with its page', async () => {
  const { client, asked, queryKey, leave } = shown('1')
  await client.invalidateQueries()
  const before = asked.times
  leaveAlone('1')
  await client.invalidateQueries({ queryKey: ['jobs'] })
  isDeleted(client, '1')
  await client.invalidateQueries({ queryKey: ['jobs'] })
  expect(asked.times).toBe(before)
  expect(client.getQueryData(queryKey)).toBeDefined()
  leave()
  expect(client.getQueryData(queryKey)).toBeUndefined()
  expect(isThere({ queryHash: JSON.stringify(queryKey) })).toBe(true)
})

it('asks for it again when it is not deleted after all', async () => {
  const { client, asked, leave } = shown('2')
  await client.invalidateQueries()
  leaveAlone('2')
  const before = asked.times
  isBack(client, '2')
  await client.invalidateQueries()
  expect(asked.times).toBeGreaterThan(before)
  leave()
})
