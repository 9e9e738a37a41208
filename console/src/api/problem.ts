import type { schemas } from './types'

/** The codes that the console itself decides by; docs/errors.md has all. */
export const codes = {
  unauthenticated: 1010,
  forbidden: 1020,
  notFound: 1030,
  conflict: 1050,
  hostKeyMismatch: 3002,
  invalidPassphrase: 4001,
} as const

/** An answer that is a problem document, or no answer at all. */
export class ProblemError extends Error {
  override name = 'ProblemError'

  private constructor(
    readonly title: string,
    /** The HTTP status; 0 where there was no answer. */
    readonly status: number,
    /** The error code, which never changes its meaning; 0 where there was none. */
    readonly code: number,
    detail: string,
    /** What is wrong with which field. */
    readonly fields: schemas['FieldError'][],
    /** In how many seconds it may go better, where the server says so. */
    readonly retryAfterSec?: number,
  ) {
    super(detail)
  }

  static from(body: unknown, response: Response): ProblemError {
    const problem = typeof body === 'object' && body !== null ? (body as Partial<schemas['Problem']>) : {}
    return new ProblemError(
      problem.title ?? `HTTP status ${response.status}`,
      response.status,
      problem.code ?? 0,
      problem.detail ?? 'The server gave no reason. Is there a proxy in between?',
      problem.errors ?? [],
      Number(response.headers.get('retry-after')) || undefined,
    )
  }

  static unreachable(): ProblemError {
    return new ProblemError(
      'The server can’t be reached',
      0,
      0,
      'There was no answer. Is Courier running, and is the network up? Nothing that you typed is lost; try again.',
      [],
    )
  }

  /** For a form of Mantine: field names to messages. */
  formErrors(): Record<string, string> {
    return Object.fromEntries(this.fields.map((field) => [field.field, field.message]))
  }
}
