import { Page } from '../ui/Page'
import { AuditList } from './AuditList'
import { Verify } from './Verify'

/** Who did what, and what happened on which connection. */
export default function AuditPage() {
  return (
    <Page
      title="Audit log"
      about="Every session, file and change. Entries are chained to one another by codes, so that none can be changed or removed unnoticed."
      actions={<Verify />}
    >
      <AuditList />
    </Page>
  )
}
