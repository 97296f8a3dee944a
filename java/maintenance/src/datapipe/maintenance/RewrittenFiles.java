package datapipe.maintenance;

import java.util.List;
import org.apache.iceberg.DataFile;

/**
 * Files and those that were written in place of them; nothing refers to the written ones yet.
 *
 * @param keptRows how many rows the written files have
 * @param removedRows how many rows of the read files they do not have
 */
record RewrittenFiles(
    List<DataFile> read, List<DataFile> written, long keptRows, long removedRows) {}
