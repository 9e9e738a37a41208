import type { schemas } from '../api/types'

/** What a step is told; which settings there are depends on its type. */
export type Config = Record<string, unknown>
export type Step = Omit<schemas['JobStep'], 'config'> & { config: Config }

/** A job while it is being made or changed: the same in the form and in its texts. */
export type Draft = Omit<schemas['JobInput'], 'steps'> & { steps: Step[] }

export const emptyDraft: Draft = {
  name: '',
  enabled: true,
  steps: [],
  failure_policy: { type: 'stop', max_retries: 3, backoff_base_sec: 1, backoff_max_sec: 60 },
  schedules: [],
}

/** What can be changed about a job, without what isn't set. */
export function draftOf(job: schemas['Job'] | schemas['JobInput']): Draft {
  const { name, description, enabled, steps, failure_policy, schedules, max_instances, max_duration_sec } = job
  return tidy({
    name,
    description,
    enabled,
    steps: steps.map(({ name, step_type, config, ...limits }) =>
      tidy({ name, step_type, config: config ?? {}, ...limits }),
    ),
    failure_policy,
    schedules: schedules?.map(tidy),
    max_instances,
    max_duration_sec,
  })
}

/** The body of a request; the server names everything that is wrong with it. */
export const inputOf = (draft: Draft) => draft as schemas['JobInput']

/** Without what is not set. */
export function tidy<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part != null)) as T
}

/** A config with a setting changed; `undefined` takes it out. */
export function withSetting(config: Config, name: string, value: unknown): Config {
  const { [name]: _, ...others } = config
  if (value === undefined) return others
  return name in config ? { ...config, [name]: value } : { ...others, [name]: value }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * A job that was written as text. What the form could not show is said here, with its place; all else, unknown names
 * too, is kept for the server to judge.
 */
export function draftFrom(value: unknown): { draft: Draft } | { field: string; message: string } {
  if (!isObject(value)) return { field: '', message: 'A job is an object with a name and steps.' }
  const { steps = [], schedules = [], failure_policy: policy = emptyDraft.failure_policy } = value
  if (!isList(steps)) return { field: 'steps', message: 'The steps are a list of objects.' }
  if (!isList(schedules)) return { field: 'schedules', message: 'The schedules are a list of objects.' }
  if (!isObject(policy)) return { field: 'failure_policy', message: 'The failure policy is an object.' }
  if (!['string', 'undefined'].includes(typeof (value.name ?? undefined)))
    return { field: 'name', message: 'The name is a text. In YAML, put quotes around a number.' }
  for (const [index, step] of steps.entries()) {
    const field = `steps[${index}]`
    if (typeof step.step_type !== 'string') return { field, message: 'A step has a step_type, which is a text.' }
    if (!isObject(step.config ?? {})) return { field: `${field}.config`, message: 'A step’s config is an object.' }
    if (!isObject(step.failure_policy ?? {}))
      return { field: `${field}.failure_policy`, message: 'The failure policy is an object.' }
  }
  for (const [index, schedule] of schedules.entries()) {
    for (const name of ['cron', 'timezone', 'at']) {
      if (!['string', 'undefined'].includes(typeof (schedule[name] ?? undefined)))
        return { field: `schedules[${index}].${name}`, message: 'This is a text.' }
    }
  }
  const whole = {
    enabled: true,
    ...value,
    name: value.name ?? '',
    steps: steps.map((step) => ({ ...step, config: step.config ?? {} })),
    schedules,
    failure_policy: policy,
  }
  return { draft: whole as unknown as Draft }
}

const isList = (value: unknown): value is Record<string, unknown>[] => Array.isArray(value) && value.every(isObject)
