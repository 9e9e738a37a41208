import { Page } from '../ui/Page'

export default function AlertPage() {
  return <Page title="Alert">{null}</Page>
}
