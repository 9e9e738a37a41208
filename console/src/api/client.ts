import createClient from 'openapi-fetch'
import { ProblemError } from './problem'
import type { paths } from './schema'

/** The API, typed by its OpenAPI document. The session is a cookie that scripts can't read. */
export const api = createClient<paths>({ baseUrl: window.location.origin, credentials: 'same-origin' })

type Answer<T> = { data?: T; error?: unknown; response: Response }

/** What the server answered, or a {@link ProblemError}. */
export async function read<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await asked
  } catch {
    throw ProblemError.unreachable()
  }
  if (!answer.response.ok) throw ProblemError.from(answer.error, answer.response)
  return answer.data as T
}
