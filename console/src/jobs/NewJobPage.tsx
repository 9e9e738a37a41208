import { Page } from '../ui/Page'

export default function NewJobPage() {
  return <Page title="New job">{null}</Page>
}
