import { useQuery } from '@tanstack/react-query'
import { api, read } from './client'
import { all } from './pages'

/** Items of a page of these lists: as many as the server gives. */
const limit = 1000

/** Every connection, for pickers and for the names behind ids. */
export const useConnections = () =>
  useQuery({
    queryKey: ['connections', 'all'],
    queryFn: () => all((cursor) => read(api.GET('/api/connections', { params: { query: { limit, cursor } } }))),
  })

/** Every job. */
export const useJobs = () =>
  useQuery({
    queryKey: ['jobs', 'all'],
    queryFn: () => all((cursor) => read(api.GET('/api/jobs', { params: { query: { limit, cursor } } }))),
  })

/** Every folder mapping. */
export const useMappings = () =>
  useQuery({
    queryKey: ['folder-mappings', 'all'],
    queryFn: () => all((cursor) => read(api.GET('/api/folder-mappings', { params: { query: { limit, cursor } } }))),
  })

/** Every storage. */
export const useStorages = () =>
  useQuery({
    queryKey: ['storages', 'all'],
    queryFn: () => all((cursor) => read(api.GET('/api/storages', { params: { query: { limit, cursor } } }))),
  })

/** Every setting of the whole server. */
export const useSettings = () =>
  useQuery({ queryKey: ['settings'], queryFn: async () => (await read(api.GET('/api/settings'))).items })

/** The name behind an id, where it is known. */
export const nameOf = (items: { id: string; name: string }[] | undefined, id: string | null | undefined) =>
  items?.find((item) => item.id === id)?.name
