import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext } from 'react'
import { Navigate, useLocation } from 'react-router'
import { api, read } from '../api/client'
import { codes, ProblemError } from '../api/problem'
import { meKey } from '../api/query'
import type { schemas } from '../api/types'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { SessionEnded } from './SessionEnded'

export type Role = schemas['Role']

const order: Role[] = ['viewer', 'operator', 'admin']

const Session = createContext<schemas['Me'] | undefined>(undefined)

/** Who is logged in. Below {@link RequireLogin} there is always somebody. */
export function useMe(): schemas['Me'] {
  const me = useContext(Session)
  if (!me) throw new Error('useMe outside of RequireLogin')
  return me
}

/** May somebody with a role do what another one may? */
export const includes = (role: Role, other: Role) => order.indexOf(role) >= order.indexOf(other)

/** May the user do what this role may? The server decides; this is what is shown. */
export const useMay = (role: Role): boolean => includes(useMe().role, role)

/** Shows its children to those who may do what they do. */
export function Only({ role, children }: { role: Role; children: ReactNode }) {
  return useMay(role) ? children : null
}

/** Lets nobody in without a session, and brings them back here after the login. */
export function RequireLogin({ children }: { children: ReactNode }) {
  const here = useLocation()
  const me = useQuery({ queryKey: meKey, queryFn: () => read(api.GET('/api/auth/me')), staleTime: 60_000 })
  const ended = me.error instanceof ProblemError && me.error.code === codes.unauthenticated
  if (me.data) {
    return (
      <Session.Provider value={me.data}>
        {children}
        <SessionEnded opened={ended} username={me.data.username} />
      </Session.Provider>
    )
  }
  if (ended) {
    const back = here.pathname + here.search
    return <Navigate to={back === '/' ? '/login' : `/login?next=${encodeURIComponent(back)}`} replace />
  }
  if (me.error) return <Problem error={me.error} retry={() => void me.refetch()} />
  return <Loading />
}
