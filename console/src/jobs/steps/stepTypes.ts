import { useQuery } from '@tanstack/react-query'
import { api, read } from '../../api/client'
import type { schemas } from '../../api/types'
import { protocolName, words } from '../../ui/format'

export type StepType = schemas['StepType']

/** The steps that there are, each with its settings; they change with the server's version only. */
export function useStepTypes() {
  return useQuery({
    queryKey: ['step-types'],
    queryFn: async () => (await read(api.GET('/api/step-types'))).items,
    staleTime: Number.POSITIVE_INFINITY,
  })
}

const verbs: Record<string, string> = {
  upload: 'Upload',
  download: 'Download',
  mkdir: 'Make a folder',
  rmdir: 'Remove a folder',
  list: 'List a folder',
  rename: 'Rename or move',
  delete: 'Delete',
  pull: 'Pull a mapped folder',
  execute: 'Run a function',
  copy: 'Copy a local file',
  move: 'Move a local file',
}

const verb = (type: string) => type.slice(type.lastIndexOf('.') + 1)
const place = (type: string) => type.slice(0, Math.max(type.lastIndexOf('.'), 0))

/** `sftp.upload` → `Upload`, and `local.delete` says that it is local. */
export function stepTitle(type: string): string {
  if (type === 'local.delete') return 'Delete a local file'
  return verbs[verb(type)] ?? words(verb(type))
}

/** Where a step does its work. */
export function stepPlace(type: string): string {
  switch (place(type)) {
    case 'remote':
      return 'Any server'
    case 'local':
      return 'This machine'
    default:
      return protocolName(place(type))
  }
}

/** Step types under where they work: what works with any server first, then what is for one protocol only. */
export function grouped(types: StepType[]): { place: string; types: StepType[] }[] {
  const first = ['remote', 'local', 'azure_function']
  const rank = (type: StepType) => {
    const at = first.indexOf(place(type.step_type))
    return at < 0 ? first.length : at
  }
  const groups = new Map<string, StepType[]>()
  for (const type of [...types].sort((a, b) => rank(a) - rank(b))) {
    const name = stepPlace(type.step_type)
    groups.set(name, [...(groups.get(name) ?? []), type])
  }
  return [...groups].map(([place, types]) => ({ place, types }))
}
