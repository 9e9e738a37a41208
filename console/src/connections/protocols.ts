import { useQuery } from '@tanstack/react-query'
import { api, read } from '../api/client'
import type { schemas } from '../api/types'

export type Protocol = schemas['ProtocolDescription']
export type Field = schemas['ConnectionField']

/** Those that a form offers first; others follow as they come. */
const ORDER = ['sftp', 'ftps', 'ftp', 'local', 'azure_function']

const place = ({ name }: Protocol) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length)

/** The protocols as they describe themselves; that changes with the server's version only. */
export function useProtocols() {
  return useQuery({
    queryKey: ['protocols'],
    queryFn: async () =>
      (await read(api.GET('/api/protocols'))).items.toSorted((one, other) => place(one) - place(other)),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** The one of a connection, once it is known. */
export function useProtocol(name: string): Protocol | undefined {
  return useProtocols().data?.find((protocol) => protocol.name === name)
}
