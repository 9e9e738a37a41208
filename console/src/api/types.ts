import type { components } from './schema'

/** Everything that the API's document defines, by name. */
export type schemas = components['schemas']
