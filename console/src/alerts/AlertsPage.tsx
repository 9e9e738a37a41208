import { Page } from '../ui/Page'

export default function AlertsPage() {
  return <Page title="Alerts">{null}</Page>
}
