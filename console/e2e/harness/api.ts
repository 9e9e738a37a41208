import type { schemas } from '../../src/api/types'

type Page<T> = { items: T[] }

/** The API with a token, to prepare what the console is to show, and to see what it has done. */
export class Api {
  private constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  static async login(url: string, username: string, password: string): Promise<Api> {
    const { token } = await new Api(url, '').post<{ token: string }>('/api/auth/login', { username, password })
    return new Api(url, token)
  }

  get = <T>(path: string) => this.ask<T>('GET', path)
  post = <T>(path: string, body: unknown = {}) => this.ask<T>('POST', path, body)
  patch = <T>(path: string, body: unknown) => this.ask<T>('PATCH', path, body)
  put = <T>(path: string, body: unknown) => this.ask<T>('PUT', path, body)

  /** The first page of a list. */
  list = async <T>(path: string) => (await this.get<Page<T>>(path)).items

  /** An execution, when it is over. */
  async ended(id: string): Promise<schemas['Execution']> {
    return until(`execution ${id} has ended`, async () => {
      const execution = await this.get<schemas['Execution']>(`/api/executions/${id}`)
      return ['completed', 'failed', 'cancelled'].includes(execution.state) ? execution : undefined
    })
  }

  private async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text) as T
  }
}

/** Waits until there is something to give, half a minute at most. */
export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 30_000
  for (;;) {
    const seen = await look()
    if (seen !== undefined) return seen
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`)
    await new Promise((later) => setTimeout(later, 50))
  }
}
