import { type ComponentType, lazy, type PropsWithChildren } from 'react'
import { createBrowserRouter, useParams } from 'react-router'
import { Login } from '../auth/Login'
import { RequireLogin } from '../auth/session'
import Overview from '../overview/OverviewPage'
import { Broken } from './Broken'
import { Shell } from './Shell'

/** A page that is loaded when somebody goes there. */
const page = (load: () => Promise<{ default: ComponentType }>) => {
  const Lazy = lazy(load)
  return <Lazy />
}

const Missing = lazy(() => import('./Missing'))

const ID = /^(new|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i

/** What an id names; what can't be one leads nowhere. */
const Named = ({ children }: PropsWithChildren) => (ID.test(useParams().id ?? '') ? children : <Missing />)

/** A page of one thing. */
const pageOf = (load: () => Promise<{ default: ComponentType }>) => <Named>{page(load)}</Named>

/** Every address of the console. What an address names can be sent to somebody: tabs and filters are part of it. */
export const router = createBrowserRouter([
  { path: '/login', element: <Login />, errorElement: <Broken /> },
  {
    element: (
      <RequireLogin>
        <Shell />
      </RequireLogin>
    ),
    errorElement: <Broken />,
    children: [
      {
        errorElement: <Broken />,
        children: [
          { path: '/', element: <Overview /> },
          { path: '/connections', element: page(() => import('../connections/ConnectionsPage')) },
          { path: '/connections/new', element: page(() => import('../connections/NewConnectionPage')) },
          { path: '/connections/:id/:tab?', element: pageOf(() => import('../connections/ConnectionPage')) },
          { path: '/jobs', element: page(() => import('../jobs/JobsPage')) },
          { path: '/jobs/new', element: page(() => import('../jobs/NewJobPage')) },
          { path: '/jobs/:id/:tab?', element: pageOf(() => import('../jobs/JobPage')) },
          { path: '/executions', element: page(() => import('../executions/ExecutionsPage')) },
          { path: '/executions/:id', element: pageOf(() => import('../executions/ExecutionPage')) },
          { path: '/ssh-keys', element: page(() => import('../ssh-keys/SshKeysPage')) },
          { path: '/ssh-keys/:id', element: pageOf(() => import('../ssh-keys/SshKeyPage')) },
          { path: '/storages', element: page(() => import('../storages/StoragesPage')) },
          { path: '/storages/:id', element: pageOf(() => import('../storages/StoragePage')) },
          { path: '/alerts', element: page(() => import('../alerts/AlertsPage')) },
          { path: '/alerts/:id', element: pageOf(() => import('../alerts/AlertPage')) },
          { path: '/audit', element: page(() => import('../audit/AuditPage')) },
          { path: '/users', element: page(() => import('../users/UsersPage')) },
          { path: '/tokens', element: page(() => import('../tokens/TokensPage')) },
          { path: '/settings', element: page(() => import('../settings/SettingsPage')) },
          { path: '/account', element: page(() => import('../auth/AccountPage')) },
          { path: '*', element: <Missing /> },
        ],
      },
    ],
  },
])
